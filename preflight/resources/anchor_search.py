"""Who shares a source anchor with whom, in all configured domains."""

from __future__ import annotations

from preflight.api import Target, Unavailable
from preflight.directory.model import Domain
from preflight.directory.port import Directory
from preflight.directory.users.duplicates import AnchorSearch, Surveyed, search_anchors
from preflight.resources.people import scope_of
from preflight.resources.provider import Resources, provides


@provides("run", deadline=3600.0)
def anchor_search(resources: Resources, _: Target) -> AnchorSearch:
    """All configured domains together; one that can't be read is an obstacle, and the others are compared."""
    surveyed: list[Surveyed] = []
    obstacles: list[Unavailable] = []
    for target in resources.domains():
        try:
            found: Directory = resources.get("directory", target)
            head: Domain = resources.get("domain", target)
            surveyed.append(Surveyed(found, resources.get("survey", target), scope_of(resources, target), head.forest))
        except Unavailable as error:
            obstacles.append(
                Unavailable(f"{target.name} was not compared: {error.reason}", code=error.code, remedy=error.remedy)
            )
    return search_anchors(surveyed, resources.setting.configuration.connector.source_anchor, obstacles)
