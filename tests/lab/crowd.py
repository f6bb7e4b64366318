"""A healthy forest with a crowd in it: more users than a page of a search holds.

::

    with crowded_forest() as forest:        # 3,000 more users in 50 OUs; built once (about 20 s), then from the cache
        ...
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.administration import Administration
from lab.domain_controller import DomainController, Recipe, cached, copy_provisioned
from lab.forest import Forest, seeded

CROWD = 3000
CROWDED_OUS = 50
SEEN = CROWD + 34
"""The crowd, the people, the reader, the connector account, Administrator, Guest and krbtgt."""

_NO_PASSWORD_NEEDED = 0x220


def crowd_dn(number: int, base_dn: str) -> str:
    """Of the user of that number, from 0."""
    return f"CN=Crowd {number:04},OU=Site {number % CROWDED_OUS:02},OU=Crowd,{base_dn}"


@contextmanager
def crowded_forest() -> Iterator[Forest]:
    """A private copy; it stops and vanishes at the end."""
    recipe = Recipe()
    original = cached(f"crowd of {CROWD} in {CROWDED_OUS} {recipe!r}", lambda folder: _build(recipe, folder))
    with DomainController(recipe, original) as dc:
        dc.start()
        yield Forest(dc)


def _build(recipe: Recipe, folder: Path) -> None:
    copy_provisioned(seeded(recipe), folder)
    admin = Administration(
        lambda: {"url": str(folder / "private" / "sam.ldb"), "smb_conf": str(folder / "etc" / "smb.conf")}
    )
    try:
        admin.organizational_unit(f"OU=Crowd,{recipe.base_dn}")
        for number in range(CROWDED_OUS):
            admin.organizational_unit(f"OU=Site {number:02},OU=Crowd,{recipe.base_dn}")
        for number in range(CROWD):
            account = f"crowd{number:04}"
            admin.add(
                crowd_dn(number, recipe.base_dn),
                objectClass="user",
                sAMAccountName=account,
                userPrincipalName=f"{account}@{recipe.domain}",
                userAccountControl=_NO_PASSWORD_NEEDED,
            )
    finally:
        admin.close()
