"""The steps in their order: who it is, in which state, under which policy, with which rights."""

from __future__ import annotations

from preflight.directory.prospect import identity, rights, state
from preflight.directory.prospect.circumstances import Circumstances
from preflight.directory.prospect.step import Step


def walk(here: Circumstances) -> tuple[Step, ...]:
    """Every step, answered from the facts alone."""
    return (
        identity.found(here),
        identity.scope(here),
        identity.anchor(here),
        identity.one_forest(here),
        state.enabled(here),
        state.locked(here),
        state.expired(here),
        rights.protection(here),
        state.policy(here),
        state.minimum_age(here),
        rights.cannot_change(here),
        state.smartcard(here),
        *rights.rights(here),
        rights.sam_read(here),
        identity.reserved_names(here),
        state.clear_change(here),
    )
