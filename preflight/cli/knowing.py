"""`preflight explain` and `--search`: whatever somebody has, a check, a code, a name or an event's text, explained."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

from preflight import knowledge
from preflight.api import COMMON_CODES
from preflight.cli.explaining import as_members, checks_meant, of_checks, unknown
from preflight.cli.problem import Problem
from preflight.registry import Registry

MOST_BYTES = 1 << 20
"""Of standard input: an event is a page long."""


def explain(words: Sequence[str], registry: Registry, format: str) -> str:
    """
    Args:
        words: one name, perhaps of several words; or several names.

    Raises:
        Problem: nothing is known of one of them; it names the nearest.
    """
    _choice(format)
    whole = " ".join(words).strip()
    if not whole:
        raise Problem("explain what? A check, a finding code, an event, an SSPR code, an HRESULT, a name: 33004.")
    named = [whole] if _is_known(whole, registry) else list(words)
    for what in named:
        if not _is_known(what, registry):
            raise unknown(what, registry)
    if format == "json":
        return _json(named, registry)
    return "\n".join(_text(what, registry) for what in named)


def search(text: str, format: str) -> str:
    """
    Args:
        text: as it stands in an event; "-" is standard input.

    Raises:
        Problem: there is no text, or nothing in it is known.
    """
    from preflight.outputs.knowledge import matches_to_json, render_matches
    from preflight.outputs.terminal import appearance_of

    _choice(format)
    wanted = _standard_input() if text == "-" else text
    if not wanted.strip():
        raise Problem("--search: the text is empty. Give the text of an event, or a piece of it.")
    matches, procedures = knowledge.search(wanted), knowledge.procedures_for(wanted)
    if not matches and not procedures:
        raise Problem(
            "--search: nothing in this text is known. Try the event's id, a code such as 0x80230619, or the words of "
            "the error itself."
        )
    if format == "json":
        return matches_to_json(matches, procedures)
    return render_matches(matches, appearance_of(sys.stdout, os.environ), procedures)


def _is_known(what: str, registry: Registry) -> bool:
    return bool(_of_checks(what, registry) or knowledge.entries_for(what) or knowledge.procedure(what))


def _of_checks(what: str, registry: Registry) -> bool:
    return bool(checks_meant(what, registry)) or what in COMMON_CODES


def _text(what: str, registry: Registry) -> str:
    if (text := of_checks(what, registry)) is not None:
        return text
    # rich is slow to import, and a check's explanation does without it.
    from preflight.outputs.knowledge import render, render_procedure
    from preflight.outputs.terminal import appearance_of

    appearance = appearance_of(sys.stdout, os.environ)
    procedure = knowledge.procedure(what)
    if procedure is not None:
        return render_procedure(procedure, appearance)
    return render(knowledge.entries_for(what), what, appearance)


def _json(named: Sequence[str], registry: Registry) -> str:
    from preflight.outputs.knowledge import to_json

    checks = {check.id: check for what in named for check in checks_meant(what, registry)}
    others = [what for what in named if not _of_checks(what, registry)]
    procedures = {what: procedure for what in others if (procedure := knowledge.procedure(what)) is not None}
    entries = {entry.id: entry for what in others if what not in procedures for entry in knowledge.entries_for(what)}
    return to_json(
        tuple(entries.values()),
        procedures=tuple(procedures.values()),
        checks=[as_members(check) for check in checks.values()],
    )


def _choice(format: str) -> None:
    if format not in ("human", "json"):
        raise Problem(f"--format: {format!r} is not one of the choices. Use human or json.")


def _standard_input() -> str:
    from preflight.events.encoded_text import decoded

    if sys.stdin is None:  # closed by whoever started this
        return ""
    read = sys.stdin.buffer.read(MOST_BYTES)
    return decoded(io.BytesIO(read), read).read().removeprefix("\ufeff")
