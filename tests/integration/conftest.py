"""Servers to talk to. Nothing here or beside it knows the server from inside."""

from collections.abc import Callable, Iterator

import pytest

from client import Client
from pictures import make_picture
from server_process import ServerProcess


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
