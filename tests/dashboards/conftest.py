"""A real browser, a real server process and a real Redis for the live page."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import Browser, Page, sync_playwright

from tests.dashboards.running import Live, OwnRedis, live as running_live
from tests.dashboards.scene import Publisher

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium. For one module: while it runs, asyncio can't be used in its thread."""
    program = next((found for name in _CHROMIUMS if (found := shutil.which(name))), None)
    if program is None:
        pytest.skip(f"needs a Chromium on PATH (one of {', '.join(_CHROMIUMS)})")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=program,
            args=["--no-sandbox", "--disable-quic", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def served(redis_server: str) -> Iterator[Live]:
    """``readroom live`` on loopback, for a whole module: starting it takes a while."""
    with running_live(redis_server) as started:
        yield started


@pytest.fixture
def live(served: Live, redis_url: str) -> Live:
    """That server, above an emptied Redis; what was published before, it may still know."""
    return served


@pytest.fixture
def publisher(client: redis.Redis) -> Publisher:
    """Publishes room states to that Redis."""
    return Publisher(client)


@pytest.fixture
def own_redis() -> Iterator[OwnRedis]:
    """A Redis that the test may stop; started."""
    server = OwnRedis()
    server.start()
    yield server
    server.remove()


class Watched:
    """A page, what its console said, and where it sent requests."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._console)
        page.on("request", lambda request: self.requests.append(request.url))

    def _console(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined]
        # The pixels that a test reads back from a canvas are its own affair.
        if kind in ("error", "warning") and "getImageData" not in text:
            self.complaints.append(text)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """A fresh page of a desktop's width."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield Watched(page)
    page.close()
