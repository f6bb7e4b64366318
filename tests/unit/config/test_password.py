import os
import subprocess
import sys

import pytest

from preflight.config import (
    ConfigurationError,
    DomainSettings,
    PasswordFromEnvironment,
    PasswordFromFile,
    PasswordFromPrompt,
    read_password,
    terminal_prompt,
)
from preflight.secret import Secret


def domain(source):
    return DomainSettings("corp.contoso.com", user="reader@corp.contoso.com", password=source, auth="simple")


def never(text):
    raise AssertionError("asked")


def refusal(source, environ=None, prompt=never) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read_password(domain(source), environ or {}, prompt)
    assert "\n" not in str(caught.value)
    assert "reader@corp.contoso.com" in str(caught.value)
    return str(caught.value)


def test_from_the_environment():
    assert read_password(domain(PasswordFromEnvironment("X")), {"X": " p w "}, never) == Secret(" p w ")


@pytest.mark.parametrize(("environ", "state"), [({}, "isn't set"), ({"X": ""}, "is empty")])
def test_a_variable_that_is_missing_or_empty_is_named(environ, state):
    assert f"environment variable X, named by password_env, {state}" in refusal(PasswordFromEnvironment("X"), environ)


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"\xef\xbb\xbfs\xc3\xa9cret\n", "sécret"),
        (b" secret \n", " secret "),
    ],
)
def test_from_a_file_without_its_line_end(tmp_path, content, password):
    (tmp_path / "pw").write_bytes(content)
    assert read_password(domain(PasswordFromFile(tmp_path / "pw")), {}, never) == Secret(password)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"hunter\nhunter2\n", "not a single line"),
        (b"hunter\n\n", "not a single line"),
        (b"hunter\0", "not a single line"),
        (b"h" * 5000, "not a single line"),
        ("hunter".encode("utf-16"), "UTF-16"),
        (b"hunter\xff", "isn't UTF-8"),
    ],
)
def test_a_file_that_holds_no_single_password_is_refused(tmp_path, content, words):
    (tmp_path / "pw").write_bytes(content)
    said = refusal(PasswordFromFile(tmp_path / "pw"))
    assert words in said
    assert "hunter" not in said


def test_a_file_that_has_gone_is_named(tmp_path):
    assert "gone" in refusal(PasswordFromFile(tmp_path / "gone"))


def test_from_a_prompt_that_says_for_whom():
    asked = []
    assert read_password(domain(PasswordFromPrompt()), {}, lambda text: asked.append(text) or "pw") == Secret("pw")
    assert asked == ["Password of reader@corp.contoso.com (corp.contoso.com): "]


def end_of_input(text):
    raise EOFError


@pytest.mark.parametrize("prompt", [lambda _: "", end_of_input])
def test_an_empty_answer_is_refused_since_it_would_sign_in_anonymously(prompt):
    assert "left empty" in refusal(PasswordFromPrompt(), prompt=prompt)


def test_without_a_terminal_it_says_what_to_set():
    said = refusal(PasswordFromPrompt(), prompt=None)
    assert "there is no terminal" in said
    assert "password_env" in said


def test_no_prompt_without_a_terminal():
    script = "from preflight.config import terminal_prompt; print(terminal_prompt())"
    done = subprocess.run(
        [sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "None\n"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_prompt_on_a_terminal(monkeypatch):
    controller, terminal = os.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert terminal_prompt() is not None
    os.close(controller)


def test_a_domain_without_a_user_has_none():
    with pytest.raises(ValueError, match="needs no password"):
        read_password(DomainSettings("corp.contoso.com"), {}, never)
