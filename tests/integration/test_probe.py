"""upscaler-probe, as what watches containers runs it."""

import socket
import subprocess
import time

import pytest

from certificates import certificate
from client import Client
from server_process import BIN, DELAY_SERVER, ENVIRONMENT, PATIENCE, ServerProcess

SERVING, NOT_SERVING, USAGE, UNREACHABLE = 0, 1, 2, 3


def probe(*options: str, **variables: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "upscaler-probe", *options],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=ENVIRONMENT | variables,
    )


def code_of(server: ServerProcess, *options: str) -> int:
    return probe(f"--server={server.grpc_address}", *options).returncode


def await_code(code: int, server: ServerProcess, *options: str) -> None:
    end = time.monotonic() + PATIENCE
    while (found := code_of(server, *options)) != code:
        assert time.monotonic() < end, f"the exit code is {found}, wanted {code}"


@pytest.mark.parametrize("options", [[], ["--service=liveness"]])
def test_a_server_that_serves_is_0_and_one_line(quick_server, options):
    ended = probe(f"--server={quick_server.grpc_address}", *options)

    assert ended.returncode == SERVING
    assert ended.stdout == f"upscaler-probe: {quick_server.grpc_address}: serving\n"
    assert ended.stderr == ""


def test_the_environment_names_the_server(quick_server):
    assert probe(UPSCALER_SERVER=quick_server.grpc_address).returncode == SERVING


def test_a_step_that_hangs_costs_readiness_and_then_liveness(start_server, picture):
    server = start_server("--hang-seed=7", "--drain-seconds=0", program=DELAY_SERVER)
    hanging = Client(server).start_stream(picture, seed=7)
    next(hanging)

    await_code(NOT_SERVING, server)
    await_code(NOT_SERVING, server, "--service=liveness")

    server.expect_exit(1)
    hanging.cancel()


def test_a_server_that_drains_is_alive_but_not_ready(start_server):
    server = start_server("--drain-delay-seconds=3", program=DELAY_SERVER)

    server.end()

    await_code(NOT_SERVING, server)
    assert code_of(server, "--service=liveness") == SERVING


def test_an_unknown_service_does_not_serve(quick_server):
    ended = probe(f"--server={quick_server.grpc_address}", "--service=nonsense")

    assert ended.returncode == NOT_SERVING
    assert ended.stderr.endswith("the server knows no service of that name\n")


def test_nobody_there_is_3_and_one_line():
    with socket.socket() as bound:  # Bound but not listening: nobody else gets the port.
        bound.bind(("127.0.0.1", 0))
        ended = probe(f"--server=127.0.0.1:{bound.getsockname()[1]}")

    assert ended.returncode == UNREACHABLE
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == 1 and "Connection refused" in ended.stderr


def test_a_server_that_never_answers_is_3_in_time():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ended = probe(f"--server=127.0.0.1:{silent.getsockname()[1]}", "--timeout=0.2")

    assert ended.returncode == UNREACHABLE
    assert len(ended.stderr.splitlines()) == 1


def test_tls_by_another_name_and_with_a_certificate_of_its_own(start_server, tmp_path):
    cert, key = certificate(tmp_path, "server")
    own_cert, own_key = certificate(tmp_path, "probe")
    server = start_server(
        f"--tls-cert={cert}",
        f"--tls-key={key}",
        f"--tls-client-ca={own_cert}",
        program=DELAY_SERVER,
    )
    own = [f"--tls-cert={own_cert}", f"--tls-key={own_key}"]
    ca = f"--tls-ca={cert}"

    assert code_of(server, ca, *own) == SERVING
    assert code_of(server, ca, *own, "--tls-name=127.0.0.1") == SERVING
    assert code_of(server, ca, *own, "--tls-name=other.example") == UNREACHABLE
    assert code_of(server, ca) == UNREACHABLE
    assert code_of(server) == UNREACHABLE
    strange = probe(f"--server={server.grpc_address}", "--tls", *own)
    assert strange.returncode == UNREACHABLE
    assert len(strange.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "options",
    [
        ["nonsense"],
        ["--timeout=0"],
        ["--timeout=soon"],
        ["--tls-cert=only.crt"],
        ["--tls-ca=missing.pem"],
    ],
)
def test_a_wrong_command_line_is_2(options):
    ended = probe(*options)

    assert ended.returncode == USAGE
    assert ended.stderr


def test_help_and_version():
    helped, version = probe("--help"), probe("--version")

    assert helped.returncode == version.returncode == 0
    assert "--service" in helped.stdout and "Exit codes" in helped.stdout
    assert version.stdout.split()[0] == "upscaler-probe"
