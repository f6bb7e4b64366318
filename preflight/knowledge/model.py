"""What is known about a code: what it means, what causes it, what tells the causes apart, how to mend it.

The data stand in the TOML files beside this module; `knowledge.schema.json` is their schema.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is: something failed, may fail, or went as it should."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Cause:
    """One likely cause.

    Attributes:
        checks: the ids of the checks that confirm or exclude it; empty: no check can.
        user: what `preflight user NAME` says about it, such as "protected"; "": nothing.
        manual: what a person looks at, where no check can see it or beside the checks.
        signs: pieces of an event's text that point to this cause rather than to the others.
        inferred: no source states it.
    """

    text: str
    checks: tuple[str, ...] = ()
    user: str = ""
    manual: str = ""
    signs: tuple[str, ...] = ()
    inferred: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do.

    Attributes:
        procedure: the id of the procedure that spells it out; "": it is said in full.
    """

    text: str
    procedure: str = ""


@dataclass(frozen=True, slots=True)
class Procedure:
    """Something that only a person can do, step by step.

    Attributes:
        when: in which case, and what was to be tried before.
        warning: what can be lost by it.
        verify: what must be true afterwards.
        reference: as of an entry.
    """

    id: str
    name: str
    when: str
    steps: tuple[str, ...]
    verify: tuple[str, ...]
    reference: tuple[str, ...]
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An error, an event or a symptom.

    Attributes:
        id: unique, stable.
        codes: as the source writes them, the most telling first; several entries may share one. Empty: a symptom.
        aliases: other names and spellings that mean it.
        name: what the source calls it, or what a person sees.
        source: who says it: PasswordResetService, ADSync, the SSPR portal, an HRESULT, ...
        section: where in the table of contents it belongs.
        apart: where several entries share a code, how this one is told from the others.
        signs: pieces of text by which it is known in an event or a dialog.
        causes: in order of likelihood.
        verify: what must be true once it is mended.
        leads_to: the codes that follow it, by a source.
        may_lead_to: the codes that probably follow it: no source says so.
        reference: where it comes from, by the short names of `preflight.knowledge.sources`.
        inferred: what it says as a whole is no source's word.
    """

    id: str
    codes: tuple[str, ...]
    name: str
    source: str
    level: Level
    section: str
    meaning: str
    reference: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    apart: str = ""
    signs: tuple[str, ...] = ()
    causes: tuple[Cause, ...] = ()
    steps: tuple[Step, ...] = ()
    verify: tuple[str, ...] = ()
    leads_to: tuple[str, ...] = ()
    may_lead_to: tuple[str, ...] = ()
    inferred: bool = False

    @property
    def code(self) -> str:
        """The most telling code, or "" for a symptom without one."""
        return next(iter(self.codes), "")

    @property
    def checks(self) -> tuple[str, ...]:
        """The checks of all causes, in the order of the causes, each once."""
        return tuple(dict.fromkeys(check for cause in self.causes for check in cause.checks))
