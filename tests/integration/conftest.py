"""Servers to talk to. Nothing here or beside it knows the server from inside."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from browser import DESK, WebPage, chromium
from client import Client
from pictures import make_picture
from server_process import DELAY_SERVER, ServerProcess


@pytest.fixture(scope="session")
def server() -> Iterator[ServerProcess]:
    """The server with its default settings, shared by all tests that leave it as it was."""
    process = ServerProcess()
    yield process
    process.end()
    process.check_exit()


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Client:
    return Client(server)


@pytest.fixture(scope="session")
def leaving() -> Iterator[list[ServerProcess]]:
    """Servers that were told to end. An end takes seconds, so they are awaited together, last."""
    processes = []
    yield processes
    for process in processes:
        process.check_exit()


@pytest.fixture
def start_server(leaving: list[ServerProcess]) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers with options of the test's own, which end after it."""
    started = []

    def start(*options: str, **how: str) -> ServerProcess:
        started.append(ServerProcess(*options, **how))
        return started[-1]

    yield start
    for process in started:
        process.end()
        leaving.append(process)


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A small PNG."""
    return make_picture()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., WebPage]]:
    """Opens pages, which are closed after the test and must not have had a problem."""
    opened = []

    def open_one(server: ServerProcess, beside: WebPage | None = None, **window) -> WebPage:
        opened.append(WebPage(browser, server.rest_url, beside, **DESK | window))
        return opened[-1]

    yield open_one
    for page in opened:
        page.close()


@pytest.fixture(scope="module")
def quick_server(leaving) -> Iterator[ServerProcess]:
    """Without a model, and with steps of 10 ms: where it does not matter what comes out."""
    process = ServerProcess("--step-ms=10", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture
def page(open_page, quick_server) -> WebPage:
    return open_page(quick_server)
