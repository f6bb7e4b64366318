import copy
import pickle

import pytest

from preflight.secret import Secret


def test_it_never_shows_itself():
    secret = Secret("hunter2")
    shown = [
        repr(secret),
        str(secret),
        f"{secret}",
        f"{secret!r:>9}",
        f"{secret}",
        repr({"p": secret}),
        f"{secret:x}",
    ]
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2"


def test_it_has_no_dictionary_to_look_into():
    with pytest.raises(TypeError):
        vars(Secret("hunter2"))


@pytest.mark.parametrize("leave", [pickle.dumps, copy.copy, copy.deepcopy])
def test_it_does_not_leave_the_process(leave):
    with pytest.raises(TypeError, match="a secret can't be pickled"):
        leave(Secret("hunter2"))


def test_equality_is_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert len({Secret("é"), Secret("é"), Secret("\udc80")}) == 2


def test_an_empty_secret_is_false():
    assert not Secret("")
    assert Secret(" ")
