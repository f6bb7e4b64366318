"""One person, one anchor: across all domains and forests."""

from __future__ import annotations

from collections.abc import Iterator

from preflight.api import Finding, Severity, check, fail, passed, unknown, warn
from preflight.directory.users.anchors import Anchors
from preflight.directory.users.duplicates import AnchorSearch, Duplicate


@check(
    id="anchors.unique",
    title="Every source anchor belongs to one user",
    severity=Severity.BLOCKER,
    each="run",
    requires=("directory.bind",),
    folds=(Anchors,),
    codes={
        "duplicate-anchor": "enabled users share one anchor",
        "disabled-twin": "an enabled user shares its anchor with disabled ones",
        "differs-by-case": "anchors that are equal but for upper and lower case",
        "same-name-in-two-forests": "enabled users of two forests share a name",
        "attribute-guessed": "which attribute is the anchor was guessed",
        "anchor-missing": "enabled users have no anchor",
        "unreadable": "anchors may not be read",
        "nobody-seen": "no anchor was seen",
    },
    event_codes=("33003", "0x80230402", "6329"),
)
def unique(anchor_search: AnchorSearch) -> Iterator[Finding]:
    """Looks for users who share one source anchor, over all configured domains and forests.

    The anchor ties a user on-premises to one in the cloud. It was chosen when Entra Connect was installed and can't be
    read from Active Directory: `[connector] source_anchor`, else mS-DS-ConsistencyGuid where it is set and objectGUID
    where not, which is a guess and said so. Two or more enabled users with one anchor fail with 33003 and 0x80230402.
    Disabled twins are a warning: that is how account and resource forests look. Equal names, mail addresses or UPNs
    that are enabled in two forests are a hint at one person with two accounts, or two people of one name.

    To mend: give each user an anchor of its own, or take all but one out of the synchronisation's scope.
    """
    for duplicate in anchor_search.duplicates:
        yield _duplicate(duplicate)
    for hint in anchor_search.hints:
        yield warn(
            "same-name-in-two-forests",
            f"{hint.attribute} {hint.shown} is enabled in {len(hint.members)} places: one person or several?",
            subject=f"{hint.attribute}={hint.shown}",
            expected="one enabled account a person, over all forests",
            observed="; ".join(str(member) for member in hint.members),
            remedy="If it is one person, leave one account enabled and in scope; else nothing.",
            evidence={"members": [member.to_dict() for member in hint.members]},
        )
    if anchor_search.unreadable:
        yield unknown(
            "unreadable",
            f"{anchor_search.unreadable} users may carry an anchor that the reader does not see",
            expected="userAccountControl and mS-DS-ConsistencyGuid of every user",
            observed="not readable; for these users an absent anchor proves nothing",
            remedy="Let the reader read the users' properties "
            "(Pre-Windows 2000 Compatible Access was emptied, or read access was removed).",
        )
    if anchor_search.without:
        yield warn(
            "anchor-missing",
            f"{anchor_search.without} enabled users have no {anchor_search.attribute}",
            expected="an anchor for every user who is synchronised",
            observed=f"no value of {anchor_search.attribute}",
            remedy="Fill the attribute, or check that it is the one chosen at installation (source_anchor).",
        )
    for obstacle in anchor_search.obstacles:
        raise obstacle
    if not anchor_search.seen and not anchor_search.unreadable:
        yield unknown(
            "nobody-seen",
            "no anchor was seen",
            expected="users with anchors",
            observed="none",
            remedy="Check the search bases and what the reader may see.",
        )
    elif not anchor_search.unreadable and not any(each.is_fault for each in anchor_search.duplicates):
        guessed = " (which attribute is the anchor is a guess)" if anchor_search.guessed else ""
        yield passed(
            f"{anchor_search.seen} anchors over {', '.join(anchor_search.domains)}, "
            f"by {anchor_search.attribute}{guessed}",
            evidence={
                "attribute": anchor_search.attribute,
                "guessed": anchor_search.guessed,
                "written_by_connect": anchor_search.written_by_connect,
            },
        )


def _duplicate(duplicate: Duplicate) -> Finding:
    members = "; ".join(str(member) for member in duplicate.members)
    evidence = {"members": [member.to_dict() for member in duplicate.members]}
    if duplicate.is_fault:
        return fail(
            "duplicate-anchor",
            f"{duplicate.enabled} enabled users share the anchor {duplicate.shown}",
            subject=duplicate.shown,
            expected="one enabled user for one anchor",
            observed=members,
            remedy="Clear or correct the anchor attribute of all but one, or disable or exclude the others.",
            evidence=evidence,
        )
    if duplicate.by_case:
        return warn(
            "differs-by-case",
            f"anchors equal {duplicate.shown} but for upper and lower case",
            subject=duplicate.shown,
            expected="anchors that differ",
            observed=members,
            remedy="Correct the anchor attribute of all but one.",
            evidence=evidence,
        )
    return warn(
        "disabled-twin",
        f"an account shares the anchor {duplicate.shown} with disabled ones",
        subject=duplicate.shown,
        expected="one user for one anchor",
        observed=members,
        remedy="Nothing, if these are account and resource forests; else clear the anchor of the disabled ones.",
        evidence=evidence,
    )
