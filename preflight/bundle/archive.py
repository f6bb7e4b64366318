"""The zip: its parts, and a manifest that says what is in it and what was left out."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

MANIFEST = "manifest.json"


@dataclass(frozen=True, slots=True)
class Part:
    """A file of the bundle.

    Attributes:
        what: in one sentence, for the manifest.
    """

    name: str
    content: str
    what: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What somebody might look for in vain, and why it isn't there."""

    what: str
    why: str


def archived(
    parts: Sequence[Part], left_out: Sequence[LeftOut], *, made: datetime, tool: str, pseudonymised: bool
) -> bytes:
    """The zip's bytes."""
    manifest = {
        "schema": "preflight-bundle",
        "schema_version": "1.0",
        "tool": tool,
        "made": made.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "pseudonymised": pseudonymised,
        "parts": [
            {
                "name": part.name,
                "bytes": len(_encoded(part)),
                "sha256": hashlib.sha256(_encoded(part)).hexdigest(),
                "what": part.what,
            }
            for part in parts
        ],
        "left_out": [{"what": each.what, "why": each.why} for each in left_out],
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, json.dumps(manifest, indent=2) + "\n")
        for part in parts:
            archive.writestr(part.name, _encoded(part))
    return stream.getvalue()


def _encoded(part: Part) -> bytes:
    return part.content.encode("utf-8", "backslashreplace")
