"""Steps about who the user is: where he stands, and whether Connect knows him for one."""

from __future__ import annotations

from preflight.directory.distinguished_name import MalformedName, assertions, parent, same, split
from preflight.directory.prospect.circumstances import Circumstances
from preflight.directory.prospect.step import Basis, Effect, Step, fine, unknown, warns
from preflight.directory.users.scope import Standing

INFERRED = "SSPR_0029 (inferred)"
"""What the user would see: it is documented for 33004 alone."""

RESERVED = frozenset(',+"\\<>;=/\n\r')
"""Characters in an OU's name at which the service fails with 33001 (domain.md section 8)."""

_READ_STATE = (
    "Let the reader read userAccountControl and its neighbours of the user: generic read on the domain, inherited "
    '(dsacls "<domain>" /I:T /G "<reader>:GR").'
)


def found(here: Circumstances) -> Step:
    by = f" by {' and '.join(here.found_by)}" if here.found_by else ""
    return fine("found", f"in {here.domain}{by}", f"read from {here.origin}")


def scope(here: Circumstances) -> Step:
    if here.standing is Standing.OUT_OF_SCOPE:
        return Step(
            "scope",
            Effect.BLOCKS,
            Effect.BLOCKS,
            f"Entra Connect never synchronises it: {here.left_out}",
            basis=Basis.SPECIFICATION,
            remedy="None is needed: writeback isn't for such accounts.",
        )
    if here.standing is Standing.EXCLUDED:
        return Step(
            "scope",
            Effect.BLOCKS,
            Effect.BLOCKS,
            here.left_out,
            basis=Basis.SPECIFICATION,
            remedy="If Connect does synchronise this container, correct search_bases and exclude in the configuration.",
        )
    if here.standing is Standing.UNKNOWN:
        return unknown(
            "scope",
            "whether Connect synchronises it can't be told: its attributes may not be read",
            remedy=_READ_STATE,
        )
    return fine("scope", "nothing keeps it from being synchronised by Entra Connect")


def anchor(here: Circumstances) -> Step:
    neighbours = here.neighbours
    where = f"{neighbours.attribute}{', guessed' if neighbours.guessed else ''}"
    if not neighbours.anchor:
        return unknown(
            "anchor",
            f"no source anchor can be seen ({where})",
            detail="Whoever has none isn't synchronised, and a reset of him ends in 33002.",
            remedy=f"Give the user a value of {neighbours.attribute}, or let the reader read it.",
        )
    duplicate = neighbours.duplicate
    if duplicate is not None:
        others = "; ".join(str(each) for each in duplicate.members if not same(each.distinguished_name, _name(here)))
        if duplicate.is_fault:
            return Step(
                "anchor",
                Effect.BLOCKS,
                Effect.BLOCKS,
                f"the source anchor isn't his alone: {others}",
                f"{neighbours.anchor} ({where})",
                ("33003", "hr=80230402"),
                INFERRED,
                Basis.SPECIFICATION,
                f"Clear {neighbours.attribute} on all but the one that the cloud's user belongs to, then synchronise.",
            )
        why = "equal but for upper and lower case" if duplicate.by_case else "disabled"
        return warns("anchor", f"another one has this source anchor, {why}: {others}", codes=("33003",))
    if neighbours.obstacles:
        return unknown(
            "anchor",
            f"whether the source anchor is his alone can't be told: {'; '.join(neighbours.obstacles)}",
            remedy="Make these domains readable, or leave them out of the configuration.",
        )
    return fine("anchor", "the source anchor is his alone", f"{neighbours.anchor} ({where})")


def one_forest(here: Circumstances) -> Step:
    neighbours = here.neighbours
    if neighbours.forests < 2:
        return Step("one-forest", Effect.NOT_ASKED, Effect.NOT_ASKED, "only one forest is configured")
    if neighbours.namesakes:
        same = "; ".join(
            f"{hint.attribute} {hint.shown}: {', '.join(map(str, hint.members))}" for hint in neighbours.namesakes
        )
        return warns(
            "one-forest",
            f"enabled in another forest, too, by the same name: {same}",
            detail="Two people, or one? One person who is enabled in two forests is unsupported (multiple matches).",
            remedy="If it is one person, disable one of the accounts.",
            codes=("33003",),
        )
    if neighbours.obstacles:
        return warns("one-forest", f"not compared with every forest: {'; '.join(neighbours.obstacles)}")
    return fine("one-forest", f"nobody in the other {'forest' if neighbours.forests == 2 else 'forests'} has his names")


def reserved_names(here: Circumstances) -> Step:
    try:
        odd = [value for value in _organizational_units(_name(here)) if _is_reserved(value)]
    except MalformedName:
        return unknown("reserved-names", "the distinguished name can't be taken apart")
    if not odd:
        return fine("reserved-names", "no OU above it has a character in its name at which the service fails")
    return Step(
        "reserved-names",
        Effect.BLOCKS,
        Effect.BLOCKS,
        f"an OU's name has a character at which the service fails: {', '.join(map(repr, odd))}",
        'They are , + " \\ < > ; = / and line ends, a space or # in front, a space at the end.',
        ("33001",),
        INFERRED,
        Basis.SPECIFICATION,
        "Rename the OU, or move the user, then synchronise.",
    )


def _organizational_units(distinguished_name: str) -> list[str]:
    """The unescaped names of the OUs above."""
    above = parent(distinguished_name)
    return [
        value
        for rdn in (split(above) if above else ())
        for attribute, value in assertions(rdn)
        if attribute.upper() == "OU"
    ]


def _is_reserved(value: str) -> bool:
    return bool(RESERVED & set(value)) or value.startswith((" ", "#")) or value.endswith(" ")


def _name(here: Circumstances) -> str:
    return here.user.distinguished_name
