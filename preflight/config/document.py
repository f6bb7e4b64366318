"""A TOML file as nested tables that know where they stand, so that an error can name file, line and key."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, TypeVar

from preflight.config.errors import ConfigurationError

MOST_BYTES = 1 << 20
"""A configuration is a page long; whatever is larger is some other file (or a device without end)."""

_EMPTY = "Write at least one [[domain]] table with a name; for network checks alone no configuration file is needed."

_OPTIONS = {"name": "--domain", "controllers": "--controller", "idle_seconds": "--idle"}
"""Options of the command line that aren't spelled as the key."""

T = TypeVar("T")


class Document:
    """The source of the settings: a file's text, or the options of the command line.

    Attributes:
        file: the file; None: options.
        base: the folder that relative paths start from.
    """

    def __init__(self, file: Path | None, base: Path, lines: Mapping[str, int] | None = None) -> None:
        self.file = file
        self.base = base
        self._lines = dict(lines or {})

    def where(self, key: str) -> str:
        """The place of a key such as `domain[0].user`, for people."""
        if self.file is None:
            name = key.rpartition(".")[2]
            return _OPTIONS.get(name, "--" + name.replace("_", "-"))
        name = re.sub(r"\[\d+\]", "", key)
        if line := self._lines.get(key) or self._lines.get(key.rpartition(".")[0]):
            return f"{self.file}, line {line}, {name}"
        index = re.search(r"\[(\d+)\]", key)
        return f"{self.file}, {name}" + (f" (table number {int(index[1]) + 1})" if index else "")

    def error(self, key: str, what: str, remedy: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where(key)}: {what}. {remedy}")


class Table:
    """One table, read key by key with the type that is expected there."""

    def __init__(self, document: Document, name: str, values: Mapping[str, Any]) -> None:
        self.document = document
        self.name = name
        self._values = values

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def path(self, key: str) -> str:
        return f"{self.name}.{key}" if self.name else key

    def error(self, key: str, what: str, remedy: str) -> ConfigurationError:
        return self.document.error(self.path(key), what, remedy)

    def only(self, known: Sequence[str], refused: Mapping[str, tuple[str, str]] | None = None) -> None:
        """Refuse every key that isn't known, with the nearest that is; `refused` has reasons for particular ones."""
        for key in self._values:
            if key in known:
                continue
            if refused and key in refused:
                raise self.error(key, *refused[key])
            kind = "table" if isinstance(self._values[key], (dict, list)) and not self.name else "key"
            near = difflib.get_close_matches(key.lower().replace("-", "_"), known, 1, 0.6)
            remedy = f"Did you mean {near[0]!r}?" if near else f"Known here: {', '.join(known)}."
            raise self.error(key, f"unknown {kind} {_shown(key)}", remedy)

    def string(self, key: str) -> str | None:
        """A text that isn't blank and holds no control characters."""
        return None if key not in self else self._text(key, self._values[key])

    def strings(self, key: str) -> tuple[str, ...] | None:
        """A list of texts; an empty list is for the caller to judge."""
        if key not in self:
            return None
        values = self._values[key]
        if not isinstance(values, (list, tuple)):
            remedy = "Put it in brackets: " + f"{key} = [...]."
            raise self.error(key, f"a list of strings is expected, not {_type(values)}", remedy)
        return tuple(self._text(key, value) for value in values)

    def boolean(self, key: str, default: bool) -> bool:
        value = self._values.get(key, default)
        if not isinstance(value, bool):
            raise self.error(key, f"true or false is expected, not {_type(value)}", "Write it without quotes.")
        return value

    def number(self, key: str, default: float) -> float:
        value = self._values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.error(key, f"a number is expected, not {_type(value)}", "Write it without quotes.")
        return value

    def integers(self, key: str, default: tuple[int, ...]) -> tuple[int, ...]:
        values = self._values.get(key, default)
        if not isinstance(values, (list, tuple)) or any(type(value) is not int for value in values):
            raise self.error(key, "a list of whole numbers is expected", "Such as [9350, 9351].")
        return tuple(values)

    def choice(self, key: str, choices: Sequence[str], default: T) -> str | T:
        value = self.string(key)
        if value is None or value in choices:
            return default if value is None else value
        near = difflib.get_close_matches(value.lower(), choices, 1, 0.5)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise self.error(key, f"{_shown(value)} is not one of the choices", f"Use one of: {', '.join(choices)}.{hint}")

    def day(self, key: str) -> date | None:
        """A date without a time."""
        value = self._values.get(key)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            what = "a string" if isinstance(value, str) else _type(value)
            raise self.error(key, f"a date is expected, not {what}", f"Such as {key} = 2027-01-31, without quotes.")
        return value

    def table(self, key: str) -> Table:
        """A table of the document; empty where it isn't there."""
        value = self._values.get(key, {})
        if isinstance(value, list):
            raise self.error(key, "one table is expected, not several", f"Write [{key}] once, with single brackets.")
        if not isinstance(value, dict):
            raise self.error(key, f"a table is expected, not {_type(value)}", f"Write [{key}] and its keys below.")
        return Table(self.document, self.path(key), value)

    def tables(self, key: str) -> tuple[Table, ...]:
        """The tables of an array of tables."""
        values = self._values.get(key, [])
        if isinstance(values, dict):
            raise self.error(
                key, "a list of tables is expected, not a single one", f"Write [[{key}]] with double brackets."
            )
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, "a list of tables is expected", f"Write [[{key}]] and its keys below.")
        return tuple(Table(self.document, f"{self.path(key)}[{i}]", value) for i, value in enumerate(values))

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str):
            raise self.error(key, f"a string is expected, not {_type(value)}", "Put it in quotes.")
        if not value.strip():
            raise self.error(key, "the value is empty", "Leave the line out where the default is meant.")
        if any(ord(character) < 32 or 127 <= ord(character) < 160 for character in value):
            raise self.error(key, "the value holds a control character", BACKSLASH_HINT)
        return value


BACKSLASH_HINT = (
    r"In double quotes a backslash starts an escape (\t is a tab, \n a line end). Write the value in single quotes, "
    r"'C:\temp\new.pem', or double each backslash"
    "."
)


def read_document(
    path: Path, *, empty: str = _EMPTY, named_by: str = "--config or PREFLIGHT_CONFIG"
) -> tuple[Document, Mapping[str, Any]]:
    """The file and its top-level values.

    Args:
        empty: what to do about an empty file.
        named_by: who named the file.

    Raises:
        ConfigurationError: unreadable, not UTF-8, no TOML, or empty.
    """
    text = _decode(path, _read(path, named_by))
    if not text.strip():
        raise ConfigurationError(f"{path}: the file is empty. {empty}")
    try:
        values = tomllib.loads(text)
    except RecursionError:
        raise ConfigurationError(f"{path}: the brackets are nested too deeply. Write plain tables and lists.") from None
    except ValueError as error:  # TOMLDecodeError is one; so is what int() says of a number with 5,000 digits
        raise ConfigurationError(_syntax(path, text, str(error))) from None
    file = path.absolute()
    return Document(path, file.parent, key_lines(text)), values


def key_lines(text: str) -> dict[str, int]:
    """The line of each key and table header, by its path: `domain[0].user`.

    tomllib keeps no positions. This reads plain `[table]`, `[[table]]` and `key = value` lines; a text with
    multi-line strings has none, since a wrong line is worse than no line.
    """
    if '"""' in text or "'''" in text:
        return {}
    lines: dict[str, int] = {}
    seen: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        if match := re.match(r"\s*\[\[\s*([\w-]+)\s*\]\]", line):
            seen[match[1]] = seen.get(match[1], -1) + 1
            table = f"{match[1]}[{seen[match[1]]}]"
            lines.setdefault(table, number)
            lines.setdefault(match[1], number)
        elif match := re.match(r"\s*\[\s*([\w.-]+)\s*\]", line):
            table = match[1]
            lines.setdefault(table, number)
        elif match := re.match(r"""\s*["']?([\w.-]+)["']?\s*=""", line):
            lines.setdefault(f"{table}.{match[1]}" if table else match[1], number)
    return lines


def _read(path: Path, named_by: str) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file. Check the path given by {named_by}.") from None
    except IsADirectoryError:
        raise ConfigurationError(f"{path}: this is a directory. Name the TOML file in it.") from None
    except PermissionError:
        if path.is_dir():  # what Windows says of a directory
            raise ConfigurationError(f"{path}: this is a directory. Name the TOML file in it.") from None
        raise ConfigurationError(
            f"{path}: this account may not read the file. Grant it read access or run as the file's owner."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigurationError(f"{path}: the file can't be read ({reason}). Check the path.") from None
    if len(content) > MOST_BYTES:
        raise ConfigurationError(f"{path}: larger than 1 MiB, so this is no configuration file. Name the TOML file.")
    return content


def _decode(path: Path, content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content[:64]:
        raise ConfigurationError(
            f"{path}: the file isn't UTF-8; it looks like UTF-16, which PowerShell 5 and Notepad's \"Unicode\" write. "
            'Save it as UTF-8 (in PowerShell: Set-Content -Encoding UTF8, in Notepad: "Save as", encoding UTF-8).'
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(
            f"{path}, line {line}: the file isn't UTF-8 (byte 0x{content[error.start]:02x}). Save it as UTF-8."
        ) from None


def _syntax(path: Path, text: str, error: str) -> str:
    """What tomllib said, with the line but never its content: it may hold a password."""
    match = re.search(r"\(at line (\d+), column (\d+)\)", error)
    reason = re.sub(r"\s*\(at [^)]*\)$", "", error).rstrip(".")
    if re.search(r"digit|convert", reason):
        reason = "a number is too long"
    lines = text.split("\n")
    if match is None:
        return f"{path}: this is not valid TOML ({_first_line(reason)}). Mend the last table or string of the file."
    number, column = int(match[1]), int(match[2])
    place = f"{path}, line {number}, column {column}"
    line = lines[number - 1] if number <= len(lines) else ""
    if re.search(r'"[^"]*\\', line):
        return f"{place}: this is not valid TOML: a backslash in double quotes. {BACKSLASH_HINT}"
    return f"{place}: this is not valid TOML ({_first_line(reason)}). {_syntax_hint(line)}"


def _syntax_hint(line: str) -> str:
    if re.match(r"\s*[\w-]+\s*:", line):
        return 'TOML writes key = "value", with an equals sign.'
    if re.match(r"\s*[\w-]+\s*=\s*[^\"'\[\{\s\d+-]", line):
        return 'Put the text in quotes: key = "value".'
    return "Each line is key = value, a [table] or a # comment; texts stand in quotes, lists in brackets."


def _first_line(text: str) -> str:
    line = text.splitlines()[0] if text else "unreadable"
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", line)[:200]


def _type(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "a table"}
    return names.get(type(value), "a date or time")


def _shown(text: str) -> str:
    """A key or a value in quotes, short and on one line."""
    return repr(text) if len(text) <= 80 else repr(text[:80]) + "..."
