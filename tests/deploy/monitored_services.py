"""Servers and a gateway to which everything has happened that metrics count, or much of it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import requests

from monitoring_files import SOURCE
from server_process import DELAY_SERVER, GATEWAY, PATIENCE, ServerProcess

PICTURE = (SOURCE / "tests/fuzz/corpus/decode/RGB.png").read_bytes()

# The jobs that deploy/prometheus/prometheus.yaml names.
SERVERS = "upscaler-server"
GATEWAYS = "upscaler-gateway"


def upscale(
    door: ServerProcess, picture: bytes = PICTURE, steps: int = 2, stream: bool = False
) -> requests.Response:
    """The answer, of which a stream has only begun."""
    fields = {"num_inference_steps": steps, "prompt": "a sharp photo"}
    return requests.post(
        f"{door.rest_url}/v1/images/upscale",
        files={"image": picture},
        data=fields | ({"stream": "true"} if stream else {}),
        stream=stream,
        timeout=PATIENCE,
    )


def go_away(server: ServerProcess) -> None:
    """Asks for more than anybody waits for, and hangs up as soon as it has begun."""
    before = server.metric("upscaler_step_duration_seconds_count")
    with upscale(server, steps=200, stream=True):
        server.await_metric("upscaler_step_duration_seconds_count", at_least=before + 1)
    server.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED")


@contextmanager
def running(*options: str, **how: str) -> Iterator[ServerProcess]:
    process = ServerProcess(*options, **how)
    try:
        yield process
    finally:
        process.end()
        process.check_exit()


@contextmanager
def monitored_services() -> Iterator[dict[str, list[ServerProcess]]]:
    """By job: the server with the demo model, a small one that is refusing, and a gateway."""
    with ExitStack() as stack:
        small = stack.enter_context(
            running(
                "--load-ms=3000",
                "--step-ms=20",
                "--queue-capacity=2",
                "--batching=none",
                program=DELAY_SERVER,
                awaited="listening",
            )
        )
        assert upscale(small).status_code == 503  # It loads.
        server = stack.enter_context(running())
        gateway = stack.enter_context(
            running(f"--backend={server.grpc_address}", program=GATEWAY, awaited="listening")
        )
        gateway.await_log("model")
        small.await_log("ready")
        services = {SERVERS: [server, small], GATEWAYS: [gateway]}
        make_things_happen(server, small, gateway)
        yield services


def make_things_happen(server: ServerProcess, small: ServerProcess, gateway: ServerProcess) -> None:
    assert upscale(server).status_code == 200
    assert upscale(gateway).status_code == 200
    assert upscale(server, picture=b"no picture").status_code == 400
    assert upscale(gateway, picture=b"").status_code == 400
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: upscale(small, steps=25).status_code, range(6)))
    assert set(answers) == {200, 429}
    go_away(small)
