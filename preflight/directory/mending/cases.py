"""Users, put together where every change to a descriptor means the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence

from preflight.directory.distinguished_name import is_under, normalise
from preflight.directory.mending.forecast import NO_CHANGES, NOT_SEEN, ON_THE_USER, Case, Forecast, meaning
from preflight.directory.mending.repairs import MOST_EXAMPLES, Listed, Repairs, Situation

Lineage = tuple[tuple[str, int], ...]
"""The places above that may matter, the nearest first, with their distance (1, or 2 for farther)."""


class Cases:
    """The cases that a fold's situations come down to.

    Attributes:
        all: by their number.
        waiting: users whom a grant is on its way to already.
        beyond: blocked users who aren't planned for, by reason.
    """

    def __init__(self, repairs: Repairs, forecast: Forecast, head: str) -> None:
        self._repairs = repairs
        self._forecast = forecast
        self._head = head
        self._lineages: dict[str, tuple[Lineage, str, str]] = {}
        self._situations: list[list[Situation]] = []
        self.all: list[Case] = []
        self.waiting = Listed()
        self.beyond: dict[str, Listed] = {}
        self._put_together()

    def situations(self, number: int) -> Sequence[Situation]:
        """What was put together to the case of that number."""
        return self._situations[number]

    def users(self, case: Case) -> int:
        return sum(self._repairs.situations[situation] for situation in self._situations[case.number])

    def spelled(self, place: str) -> str:
        """The DN of a container as the directory spells it."""
        container = self._repairs.containers.get(place)
        return container.distinguished_name if container is not None else place

    def set_aside(self, situation: Situation, reason: str) -> None:
        """List the users as not planned for."""
        if situation.blocked:
            self._list(situation, self.beyond.setdefault(reason, Listed(reason)))

    def _put_together(self) -> None:
        numbers: dict[object, int] = {}
        for situation in self._repairs.situations:
            lineage, base, blind = self._lineage(situation.container)
            if blind:
                self.set_aside(situation, f"the descriptor of {blind}, above them, could not be read")
                continue
            case = self._case(len(self.all), situation, lineage, base)
            if situation.blocked and self._only_late(case):
                self._list(situation, self.waiting)
                continue
            key = (lineage, base, id(case.view), case.inheritance_off, case.entries)
            if key not in numbers:
                numbers[key] = case.number
                self.all.append(case)
                self._situations.append([])
            self._situations[numbers[key]].append(situation)

    def _case(self, number: int, situation: Situation, lineage: Lineage, base: str) -> Case:
        view = self._forecast.view(situation.owner, situation.itself, situation.object_class)
        off = situation.inheritance_off
        baseline = () if off else self._forecast.handed_down(lineage, situation.object_class, NO_CHANGES)
        held = {meaning(ace) for ace in situation.entries if not situation.stands_on_the_user(ace)}
        late = not off and held != {meaning(ace) for _, ace in baseline if self._forecast.counts(view, ace)}
        explicit = {meaning(ace): (place, ace) for place, ace in reversed(baseline)}
        entries = tuple(
            (ON_THE_USER, ace) if situation.stands_on_the_user(ace) else explicit.get(meaning(ace), (NOT_SEEN, ace))
            for ace in situation.entries
        )
        decisions = self._forecast.decide(view, situation.entries)
        return Case(
            number=number,
            lineage=lineage,
            base=base,
            view=view,
            inheritance_off=off,
            entries=entries,
            initial={right: decision.answer for right, decision in decisions.items()},
            baseline=None if late and situation.blocked else baseline,
        )

    def _only_late(self, case: Case) -> bool:
        """Whether what the containers have would do, and only has not been handed down yet."""
        return case.baseline is None and not self._forecast.problems(case, NO_CHANGES)

    def _lineage(self, container: str) -> tuple[Lineage, str, str]:
        """The lineage, where a grant belongs by default, and a place that could not be read."""
        known = self._lineages.get(container)
        if known is None:
            chain = self._forecast.chain(container)
            base = self._base(container, chain)
            blind = next((name for name in chain if self._forecast.place(name).blind), "")
            places = [(name, min(level, 2)) for level, name in enumerate(chain, start=1)]
            known = self._lineages[container] = (
                tuple(place for place in places if self._matters(place[0], base)),
                base,
                self.spelled(blind),
            )
        return known

    def _base(self, container: str, chain: Sequence[str]) -> str:
        """The search base above the container, or the domain's head where there are no search bases."""
        bases = self._repairs.scope.search_bases
        above = [normalise(base) for base in bases if is_under(container, base)]
        return next((base for base in above if base in chain), chain[0] if bases else self._head)

    def _matters(self, name: str, base: str) -> bool:
        place = self._forecast.place(name)
        return bool(place.entries) or place.inheritance_off or name in (base, self._head)

    def _list(self, situation: Situation, listed: Listed) -> None:
        listed.count += self._repairs.situations[situation]
        listed.examples = (listed.examples + self._repairs.examples[situation])[:MOST_EXAMPLES]
