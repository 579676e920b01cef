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
    process.stop()


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Client:
    return Client(server)


@pytest.fixture
def start_server() -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers with options of the test's own. They are stopped after it."""
    started = []

    def start(*options: str) -> ServerProcess:
        started.append(ServerProcess(*options))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A small PNG."""
    return make_picture()
