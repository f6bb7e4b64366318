"""What is looked up for one user alone: his state on the PDC emulator, his policy, and who shares his anchor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from preflight.api import Target, Unavailable
from preflight.directory.distinguished_name import same
from preflight.directory.model import Domain, DomainController, FineGrainedPolicies, User
from preflight.directory.port import Directory
from preflight.directory.prospect.circumstances import MOMENTARY_ATTRIBUTES, Momentary, Neighbours
from preflight.directory.users.anchors import (
    CONSISTENCY_GUID,
    GUESSED,
    LINKED_MAILBOX,
    Anchors,
    anchor_attributes,
    anchor_text,
    effective_anchor,
)
from preflight.directory.users.duplicates import Hint, Member, duplicate_of
from preflight.directory.users.effective_policy import EffectivePolicy, effective_policy
from preflight.directory.users.membership import GROUP_ATTRIBUTES, SECURITY_GROUP, Membership, members_of
from preflight.directory.users.scope import SCOPE_ATTRIBUTES, Standing
from preflight.resources.directories import live_directory
from preflight.resources.people import scope_of
from preflight.resources.provider import Resources, provides

GLOBAL_GROUP = 0x2
"""groupType: fine-grained policies apply to global groups alone (MS-ADTS 3.1.1.4.5.36)."""

_PORTS = {"ldaps": 636, "starttls": 389, "none": 389}


@dataclass(frozen=True, slots=True)
class StateSource:
    """Where states are read. `note`: why that isn't the PDC emulator; "" where it is, or for an export."""

    directory: Directory
    note: str = ""


@provides("domain")
def state_source(resources: Resources, target: Target) -> StateSource:
    """The PDC emulator, reached as the controller in use is; where it can't be had, that one."""
    used: Directory = resources.get("directory", target)
    head: Domain = resources.get("domain", target)
    if not used.live:
        return StateSource(used)
    pdc = head.pdc_host
    if not pdc:
        return StateSource(used, "which controller is the PDC emulator could not be read")
    if pdc.lower() == used.root_dse().host.lower():
        return StateSource(used)
    tls = resources.get("discovery", target).controllers[0].tls
    try:
        return StateSource(
            live_directory(resources, target, [DomainController(pdc, _PORTS[tls], tls, "fSMORoleOwner")])
        )
    except Unavailable as error:
        return StateSource(used, f"the PDC emulator {pdc} could not be asked ({error.reason.rstrip('.')})")


def momentary(resources: Resources, target: Target, user: User) -> Momentary:
    """The user's state now.

    Raises:
        Unavailable: the controller doesn't answer.
    """
    source: StateSource = resources.get("state_source", target)
    entry = source.directory.read(user.distinguished_name, MOMENTARY_ATTRIBUTES)
    note = source.note
    if entry is None:
        used: Directory = resources.get("directory", target)
        note = f"{source.directory.origin} doesn't know the user yet"
        source = StateSource(used)
        entry = used.read(user.distinguished_name, MOMENTARY_ATTRIBUTES)
    now = source.directory.clock()
    whose = "by the controller's clock" if source.directory.live else "when the export was made"
    return Momentary(
        User(user.distinguished_name, entry.raw if entry is not None else {}),
        source.directory.origin + (", the PDC emulator" if source.directory.live and not note else ""),
        note,
        now or datetime.now(UTC),
        whose if now else "by this machine's clock",
    )


def policy_of(resources: Resources, target: Target, user: User) -> EffectivePolicy:
    """The password policy that counts for the user, who was read with MOMENTARY_ATTRIBUTES and primaryGroupID."""
    directory: Directory = resources.get("directory", target)
    head: Domain = resources.get("domain", target)
    try:
        fine_grained: FineGrainedPolicies = resources.get("fine_grained", target)
    except Unavailable as error:
        fine_grained = FineGrainedPolicies((), False, error.reason)
    return effective_policy(user, head.policy, fine_grained, _member_of(directory, user))


def _member_of(directory: Directory, user: User) -> Callable[[str], bool | None]:
    def in_group(dn: str) -> bool | None:
        found = directory.matching("distinguishedName", [dn.encode()], GROUP_ATTRIBUTES)
        if not found or not found[0].has("objectClass"):
            return None
        kind = found[0].integer("groupType")
        if "group" not in found[0].texts("objectClass"):
            return False
        if kind is None:
            return None
        if not (kind & GLOBAL_GROUP and kind & SECURITY_GROUP):
            return False
        members: Membership = members_of(directory, found[:1], for_token=True)
        if members.path(user) is not None:
            return True
        return False if members.complete and user.integer("primaryGroupID") is not None else None

    return in_group


def neighbours(resources: Resources, target: Target, user: User) -> Neighbours:
    """Who has the user's anchor in any configured domain, or one of his names in another forest."""
    attribute = resources.setting.configuration.connector.source_anchor
    anchor = effective_anchor(user, attribute)
    home: Domain = resources.get("domain", target)
    sharing: list[tuple[bytes, Member]] = []
    namesakes: dict[str, list[Member]] = {}
    obstacles: list[str] = []
    forests: set[str] = set()
    for place in resources.domains():
        try:
            directory: Directory = resources.get("directory", place)
            forest = resources.get("domain", place).forest
            forests.add(forest)
            for each, standing in _with_anchor(resources, place, directory, anchor, attribute) if anchor else ():
                sharing.append((effective_anchor(each, attribute), _member(each, directory, standing)))
            if forest != home.forest:
                for name in Anchors.hints:
                    found = _in_scope(resources, place, directory, name, user.raw.get(name, ())[:1])
                    named = [_member(each, directory, standing) for each, standing in found if each.enabled]
                    namesakes.setdefault(name, []).extend(named)
        except Unavailable as error:
            obstacles.append(f"{place.name} could not be searched: {error.reason}")
    others = [each for each in sharing if not same(each[1].distinguished_name, user.distinguished_name)]
    own = Member(user.distinguished_name, home.name, user.enabled)
    return Neighbours(
        anchor=anchor_text(user, attribute),
        attribute=attribute or GUESSED,
        guessed=attribute is None,
        duplicate=duplicate_of([(anchor, own), *others], attribute) if others else None,
        namesakes=tuple(
            Hint(name, user.text(name) or "", tuple(members)) for name, members in namesakes.items() if members
        ),
        forests=len(forests),
        obstacles=tuple(obstacles),
    )


def _with_anchor(
    resources: Resources, place: Target, directory: Directory, anchor: bytes, attribute: str | None
) -> Sequence[tuple[User, Standing]]:
    """Whose effective anchor it is, equal but for case; a linked mailbox has none."""
    found = {
        user.distinguished_name: (user, standing)
        for name in anchor_attributes(attribute)
        for user, standing in _in_scope(resources, place, directory, name, [anchor])
        if user.integer("msExchRecipientTypeDetails") != LINKED_MAILBOX
    }
    return [
        (user, standing)
        for user, standing in found.values()
        if effective_anchor(user, attribute).lower() == anchor.lower()
    ]


def _in_scope(
    resources: Resources, place: Target, directory: Directory, attribute: str, values: Sequence[bytes]
) -> Sequence[tuple[User, Standing]]:
    if not values:
        return ()
    anchor = resources.setting.configuration.connector.source_anchor
    attributes = SCOPE_ATTRIBUTES | Anchors.attributes | {anchor or CONSISTENCY_GUID}
    scope = scope_of(resources, place)
    users = [
        User(entry.distinguished_name, entry.raw)
        for entry in directory.matching(attribute, values, attributes, users_only=True)
    ]
    judged = [(user, scope.standing(user)) for user in users]
    return [(user, each) for user, each in judged if each not in (Standing.OUT_OF_SCOPE, Standing.EXCLUDED)]


def _member(user: User, directory: Directory, standing: Standing) -> Member:
    enabled = None if standing is Standing.UNKNOWN else standing is Standing.IN_SCOPE
    return Member(user.distinguished_name, directory.name, enabled)
