"""Every report for every reader: axe finds nothing, in light and dark; the keyboard will do; it fits any width."""

from __future__ import annotations

from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from unit.outputs import samples

REPORTS = samples.ALL | {"merged": samples.merged, "crowded": samples.crowded}
CRITERIA = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
"""All that another colour scheme can change."""

WALK = """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
    .filter((each) => each.checkVisibility() && !each.disabled)
    .map((each, index) => { each.dataset.walk = index; }).length"""
"""Numbers everything that can be used."""


@pytest.mark.parametrize("name", REPORTS)
def test_axe_finds_nothing_in_light_and_dark(show, name):
    page = show(REPORTS[name](), color_scheme="light")
    if name != "crowded":  # of whose 60 containers one is as good as all
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    for scheme, criteria in (("light", CRITERIA), ("dark", COLOURS)):
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=criteria | {"resultTypes": ["violations"]}).response["violations"]
        assert {each["id"]: [node["html"][:200] for node in each["nodes"][:5]] for each in found} == {}


@pytest.mark.parametrize("width", [390, 1024, 1600])
def test_the_page_is_never_wider_than_the_window(show, width):
    page = show(samples.crowded(200), viewport={"width": width, "height": 900})
    for name in ("red", "hostile", "watched", "merged"):
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page = show(REPORTS[name](), viewport={"width": width, "height": 900})


def test_headings_never_skip_a_level(show):
    page = show(samples.watched())
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3, h4')].map((each) => Number(each.tagName[1]))")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_keyboard_reaches_everything_and_shows_where_it_is(show):
    page = show(samples.red(), viewport={"width": 1280, "height": 900})
    wanted = page.evaluate(WALK)
    reached = set()
    for _ in range(wanted):
        page.keyboard.press("Tab")
        step, outline = page.evaluate(
            "[document.activeElement.dataset.walk, getComputedStyle(document.activeElement).outlineStyle]"
        )
        assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        reached.add(step)
    assert len(reached) == wanted


def test_without_a_mouse_one_can_skip_filter_and_open(show):
    page = show(samples.red())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the verdict"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.locator(".chip.pass").focus()
    page.keyboard.press("Space")
    assert page.locator("details.result:visible").count() == 1
    summary = page.locator("details.result:visible > summary")
    summary.focus()
    page.keyboard.press("Enter")
    assert page.locator("details.result:visible").get_attribute("open") is not None
