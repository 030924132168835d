"""Chromium for tests, driven by Playwright; it is installed by Debian's packages, not by Playwright."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")


@functools.cache
def chromium() -> str:
    """The program; where root may install it, it is installed. Skips the test where it cannot be had."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None and shutil.which("apt-get") and os.geteuid() == 0:
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "--no-install-recommends", "chromium"]):
            subprocess.run(command, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, timeout=600)
        found = shutil.which("chromium")
    if found is None:
        pytest.skip("there is no Chromium here, and it cannot be installed")
    return found


class Watched:
    """A page and all that went wrong or was asked for in it."""

    def __init__(self, page) -> None:
        self.page = page
        self.troubles: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.troubles.append(message.text))
        page.on("pageerror", lambda error: self.troubles.append(str(error)))
        page.on("dialog", lambda dialog: self.troubles.append("a dialog"))
        page.on("request", lambda request: self.requests.append(request.url))


@contextmanager
def opened(path, width: int = 1280, scheme: str = "light") -> Iterator[Watched]:
    """A page from a file, ready to be used."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"])
        try:
            context = browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme, accept_downloads=True)
            watched = Watched(context.new_page())
            watched.page.goto(path.absolute().as_uri())
            watched.page.wait_for_function("bankIsReady.then(() => decks.every((deck) => !deck.scoreElement || deck.anchors.length))")
            yield watched
        finally:
            browser.close()
