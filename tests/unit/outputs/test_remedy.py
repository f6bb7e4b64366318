import pytest
from hypothesis import given
from hypothesis import strategies as st

from preflight.outputs.remedy import parts


@pytest.mark.parametrize(
    ("remedy", "expected"),
    [
        ("Open port 443.", [("Open port 443.", False)]),
        ("dsacls x /G y", [("dsacls x /G y", True)]),
        (
            'Grant: dsacls "OU=A. B" /G "c:CA;Reset Password;user". Then run.',
            [("Grant:", False), ('dsacls "OU=A. B" /G "c:CA;Reset Password;user"', True), ("Then run.", False)],
        ),
        ("Run:\nSet-ADUser x\nw32tm /resync", [("Run:", False), ("Set-ADUser x", True), ("w32tm /resync", True)]),
        ("Try `net time /set` first.", [("Try", False), ("net time /set", True), ("first.", False)]),
        ("Set `nameserver` or `controllers`.", [("Set `nameserver` or `controllers`.", False)]),
        (
            'Let the reader read it (dsacls "OU=a (b)" /G "<reader>:RP"). Then run.',
            [("Let the reader read it:", False), ('dsacls "OU=a (b)" /G "<reader>:RP"', True), ("Then run.", False)],
        ),
        (
            'dsacls "a" /G "x:LCRPRC" (on each domain)',
            [('dsacls "a" /G "x:LCRPRC"', True), ("(on each domain)", False)],
        ),
        (
            "Get-ADUser x | Set-ADUser -Manager (Get-ADUser y)",
            [("Get-ADUser x | Set-ADUser -Manager (Get-ADUser y)", True)],
        ),
        ("Read it (Pre-Windows 2000 is off).", [("Read it (Pre-Windows 2000 is off).", False)]),
        ("net result: nothing", [("net result: nothing", False)]),
        ("", []),
        ('Do: dsacls "a\nnetsh evil" /G x', [("Do:", False), ('dsacls "a\nnetsh evil" /G x', True)]),
        ('a 15" rack\nnext', [('a 15" rack', False), ("next", False)]),
    ],
)  # fmt: skip
def test_commands_are_told_from_prose(remedy, expected):
    assert [(part.text, part.command) for part in parts(remedy)] == expected


@given(st.text("ab: .;`\"'\n-SGdsacls ", max_size=80))
def test_no_word_is_lost(remedy):
    kept = "".join(part.text for part in parts(remedy))
    assert [c for c in kept if c.isalpha()] == [c for c in remedy if c.isalpha()]
