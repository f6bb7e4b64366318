"""A real Chromium (Debian's), offline. Without it the tests are skipped, and fail where nothing may be left out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from preflight.outputs.html import render
from preflight.report import Report

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Ends with the module: playwright's event loop runs as long, and other tests may want one of their own."""
    path = shutil.which("chromium")
    if path is None:
        reason = "chromium isn't installed (tests/browser/packages.txt)"
        (pytest.fail if os.environ.get("CI", "").lower() in ("1", "true") else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens a report as its reader would, from a file: `show(report, color_scheme="dark")`.

    Afterwards: nothing was said on the console, no dialog came up, and no request left the file.
    """
    path, complaints, asked = tmp_path / "report.html", [], set()
    with ExitStack() as contexts:

        def open_report(report: Report, **options: object) -> Page:
            path.write_text(render(report), encoding="utf-8")
            context = chromium.new_context(offline=True, **options)  # type: ignore[arg-type]
            contexts.callback(context.close)
            page = context.new_page()
            page.set_default_timeout(10_000)
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda request: asked.add(request.url.partition("#")[0]))
            page.goto(path.as_uri())
            return page

        yield open_report
    assert complaints == []
    assert asked <= {path.as_uri(), "data:,"}
