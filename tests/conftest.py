"""Fixtures of the Active Directory lab (tests/lab/README.md). Tests that use one are marked `lab` by themselves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings
from lab.domain_controller import Recipe, obstacle
from lab.forest import FABRIKAM, Forest

# How long an example takes says something about the machine only: two tests at a time make a slow one.
settings.register_profile("preflight", deadline=None)
settings.load_profile("preflight")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "lab" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.lab)


@pytest.fixture(scope="session", autouse=True)
def no_history_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A scheduled run that a test makes is none of this machine's: where nothing is said, it is recorded here."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("STATE_DIRECTORY", "ProgramData", "LOCALAPPDATA"):
            patch.setenv(variable, str(tmp_path_factory.getbasetemp() / "state"))
        yield


@pytest.fixture(scope="session")
def lab() -> None:
    """The lab is there: else the test is skipped, or fails where nothing may be left out (CI)."""
    reason = obstacle()
    if reason and os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)


@pytest.fixture(scope="session")
def forest(lab: None) -> Iterator[Forest]:
    """A healthy forest. Read only: every test of the session sees it."""
    with Forest.healthy() as forest:
        yield forest


@pytest.fixture(scope="session")
def second_forest(lab: None) -> Iterator[Forest]:
    """FABRIKAM.TEST, healthy. Read only."""
    with Forest.healthy(FABRIKAM) as forest:
        yield forest


@pytest.fixture(scope="module")
def own_forest(lab: None) -> Iterator[Forest]:
    """A healthy forest for the tests of one module; each undoes its changes: `with own_forest.undoing():`."""
    with Forest.healthy() as forest:
        yield forest


@pytest.fixture
def fresh_forest(lab: None) -> Iterator[Forest]:
    """A healthy forest for one test."""
    with Forest.healthy() as forest:
        yield forest


@pytest.fixture
def start_forest(lab: None) -> Iterator[Callable[..., Forest]]:
    """Forests to one's liking, for one test: `start_forest(policy_hints=False)`.

    Takes `recipe`, or the fields of a `Recipe` that differ; `strong_auth`; `start=False` for one that isn't started.
    """
    with ExitStack() as running:

        def start_one(
            recipe: Recipe | None = None, *, strong_auth: str = "yes", start: bool = True, **differing: object
        ) -> Forest:
            recipe = recipe or Recipe(**differing)  # type: ignore[arg-type]
            return running.enter_context(Forest.healthy(recipe, strong_auth=strong_auth, start=start))

        yield start_one
