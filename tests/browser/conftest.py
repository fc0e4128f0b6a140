"""A real server and a real Chromium."""

import shutil
from contextlib import suppress
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from core.live.classroom.classroom import Classroom
from core.live.runs.store import Store
from tests.browser.server import Server, with_teacher

CHROMIUM = shutil.which("chromium")  # None: Playwright's own
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]

SLOW_MS = 60_000  # a slow machine is no fault
expect.set_options(timeout=SLOW_MS)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails says what stood on its pages: in CI nobody can look."""
    report = yield
    if report.when == "call" and report.failed:
        contexts = item.funcargs["browser"].contexts if "browser" in item.funcargs else ()
        for page in (page for context in contexts for page in context.pages):
            with suppress(Error):  # closed by the test, or by what made it fail
                report.sections.append((page.url, page.locator("body").inner_text(timeout=2000)))
    return report


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One for all tests, with a teacher, at an address that looks like one for other machines."""
    folder = tmp_path_factory.mktemp("server")
    server = Server(folder, "lab.localhost", **with_teacher(folder))
    server.start()
    yield server
    server.stop()
    assert server.calls() == ""
    log = (folder / "server.log").read_text()
    assert "Traceback" not in log, log


@pytest.fixture
def store(server) -> Store:
    return Store(server.folder / "runs.sqlite")


@pytest.fixture(scope="session")
def failures() -> list[str]:
    """What scripts of the pages did not catch: Streamlit's page is white after one."""
    return []


@pytest.fixture(autouse=True)
def no_script_fails(failures):
    failures.clear()
    yield
    assert not failures, failures


@pytest.fixture(scope="session")
def browser(failures):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        open_context = browser.new_context

        def new_context(**options: Any) -> BrowserContext:
            context = open_context(**options)
            context.set_default_navigation_timeout(SLOW_MS)
            context.on("weberror", lambda failed: failures.append(failed.error.stack))
            return context

        browser.new_context = new_context
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def nothing_goes_on(request):
    """What a test leaves in training would slow the next ones on the same server."""
    yield
    if "server" in request.fixturenames:
        server = request.getfixturevalue("server")
        Classroom(Store(server.folder / "runs.sqlite")).clear_queue()


@pytest.fixture(scope="session")
def everyday(browser: Browser):
    """Its cache keeps Streamlit's scripts from test to test, and nothing else is kept."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(everyday: BrowserContext):
    """Of a visitor who has not been here; a test that puts the clock forward needs a `visit`."""
    page = everyday.new_page()
    yield page
    forget(page)


def forget(page: Page) -> None:
    """The next one in this context is another visitor's."""
    with suppress(Error):  # closed by the test
        page.evaluate("localStorage.clear()")
    page.close()
    page.context.clear_cookies()


@pytest.fixture
def visit(browser: Browser):
    """Opens a page for a visitor who has nothing in common with any other, in a browser of their own."""
    contexts = []

    def visit(width: int = 1280, height: int = 900, **options: Any) -> Page:
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **options))
        return contexts[-1].new_page()

    yield visit
    for context in contexts:
        context.close()
