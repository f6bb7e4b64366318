"""Which made-up name stands for which: the same one for the same, whatever its letter case."""

from __future__ import annotations

from preflight.bundle.identifying import TENANTS, of_the_service


class StandIns:
    """Names of several kinds (user, host, ou, SID), numbered within their kind as they are asked for; and names of
    domains, which keep their places below one another."""

    def __init__(self) -> None:
        # By kind and name, the stand-in; "" until it is asked for.
        self._given: dict[tuple[str, str], str] = {}
        self._spelled: dict[tuple[str, str], str] = {}
        self._numbers: dict[str, dict[str, int]] = {}
        self._domains: dict[str, str] = {}

    @property
    def originals(self) -> dict[str, str]:
        """By each stand-in that was asked for what it stands for, as first spelled."""
        found = {stand_in: self._spelled.get(key, key[1]) for key, stand_in in self._given.items() if stand_in} | {
            stand_in: name for name, stand_in in self._domains.items() if stand_in
        }
        return dict(sorted(found.items()))

    def expect(self, kind: str, name: str) -> None:
        """It is a name, wherever it stands."""
        self._given.setdefault((kind, name.casefold()), "")
        self._spelled.setdefault((kind, name.casefold()), name)

    def expects(self, kind: str, name: str) -> bool:
        return (kind, name.casefold()) in self._given

    def expect_domain(self, name: str) -> None:
        self._domains.setdefault(name.casefold(), "")

    def expects_domain(self, name: str) -> bool:
        return name.casefold() in self._domains

    def of(self, kind: str, original: str) -> str:
        """user-1, host-2; of a connector account MSOL_1, as it has to be known for one."""
        number = self.number(kind, original.casefold())
        connector = original.casefold().startswith("msol_")
        return self.given(kind, original, f"MSOL_{number}" if connector else f"{kind}-{number}")

    def given(self, kind: str, original: str, stand_in: str) -> str:
        """This stand-in, or the one that it was given before."""
        key = (kind, original.casefold())
        if not self._given.get(key):
            self._given[key] = stand_in
            self._spelled.setdefault(key, original)
        return self._given[key]

    def number(self, kind: str, original: str) -> int:
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(original, len(numbers) + 1)

    def of_domain(self, name: str) -> str:
        """domain-1.example; a child keeps its place below its parent. The service's own stay."""
        plain = name.casefold()
        if of_the_service(plain):
            return name
        if not self._domains.get(plain):
            self._domains[plain] = self._new_domain(plain)
        return self._domains[plain]

    def _new_domain(self, name: str) -> str:
        number = sum(1 for stand_in in self._domains.values() if stand_in) + 1
        if name.endswith(TENANTS):
            return f"tenant-{number}{TENANTS}"
        _, _, parent = name.partition(".")
        return f"sub-{number}.{self.of_domain(parent)}" if parent in self._domains else f"domain-{number}.example"
