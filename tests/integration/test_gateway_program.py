"""The gateway as a process of its own, in front of servers that it can lose."""

import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from pictures import SMALL
from server_process import BIN, DELAY_SERVER, ENVIRONMENT, GATEWAY, PATIENCE, ServerProcess

Start = Callable[..., ServerProcess]


def start_gateway(start_server: Start, *backends: ServerProcess, options=()) -> ServerProcess:
    """A gateway that knows what its backends serve."""
    addresses = ",".join(backend.grpc_address for backend in backends)
    gateway = start_server(
        f"--backend={addresses}", *options, program=GATEWAY, awaited="listening"
    )
    gateway.await_log("model")
    return gateway


def start_backend(start_server: Start, *options: str, step_ms: int = 5) -> ServerProcess:
    return start_server(
        f"--step-ms={step_ms}", "--warm-up-seconds=0", *options, program=DELAY_SERVER
    )


def post(gateway: ServerProcess, **fields) -> requests.Response:
    return requests.post(
        f"{gateway.rest_url}/v1/images/upscale",
        files={"image": ("in.png", SMALL, "image/png")},
        data={"num_inference_steps": 2, **fields},
        timeout=PATIENCE,
    )


def post_many(gateway: ServerProcess, count: int, at_once: int = 4) -> list[int]:
    """The answers' statuses."""
    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda _: post(gateway).status_code, range(count)))


def answered(server: ServerProcess) -> float:
    return server.metric("upscaler_requests_total", api="rest", code="OK")


def await_status(url: str, status: int) -> None:
    """Asks until that is the answer."""
    while requests.get(url, timeout=PATIENCE).status_code != status:
        pass


def test_every_backend_gets_work(start_server):
    backends = [start_backend(start_server) for _ in range(2)]
    gateway = start_gateway(start_server, *backends)
    for _ in backends:  # Both connections are open once both have answered.
        post(gateway)

    assert post_many(gateway, 20) == [200] * 20

    for backend in backends:
        assert answered(backend) >= 5
    assert post(gateway).json()["model"] == "demo"


def test_a_backend_that_drains_costs_no_request(start_server):
    backends = [start_backend(start_server, "--drain-delay-seconds=1") for _ in range(2)]
    gateway = start_gateway(start_server, *backends)
    post_many(gateway, 4)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(post_many, gateway, 60)
        backends[0].end()
        backends[0].await_log("drained")
        statuses = running.result() + post_many(gateway, 4)

    assert statuses == [200] * 64
    assert requests.get(f"{gateway.rest_url}/readyz", timeout=PATIENCE).status_code == 200


def test_a_backend_that_dies_costs_only_what_it_was_at(start_server):
    """A dead one is not asked again, and readiness follows when the last one goes."""
    backends = [start_backend(start_server, step_ms=20) for _ in range(2)]
    gateway = start_gateway(start_server, *backends)
    post_many(gateway, 4)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(post_many, gateway, 40)
        backends[0].await_metric("upscaler_requests_total", 4, api="rest", code="OK")
        backends[0].kill()
        statuses = running.result()

    # Four at a time were asked for.
    assert set(statuses) <= {200, 503}
    assert statuses.count(503) <= 4
    assert post_many(gateway, 8) == [200] * 8

    backends[1].kill()
    await_status(f"{gateway.rest_url}/readyz", 503)
    refused = post(gateway)
    assert refused.status_code == 503
    assert "Retry-After" in refused.headers
    assert requests.get(f"{gateway.rest_url}/livez", timeout=PATIENCE).status_code == 200


def test_a_backend_that_loads_gets_nothing_until_it_is_ready(start_server):
    loading = start_server(
        "--load-ms=1000", "--warm-up-seconds=0", program=DELAY_SERVER, awaited="listening"
    )
    gateway = start_server(
        f"--backend={loading.grpc_address}", program=GATEWAY, awaited="listening"
    )

    early = post(gateway)
    assert requests.get(f"{gateway.rest_url}/readyz", timeout=PATIENCE).status_code == 503
    await_status(f"{gateway.rest_url}/readyz", 200)
    gateway.await_log("model")

    assert early.status_code == 503
    assert early.json()["error"]["code"] == "loading"
    assert gateway.metric("upscaler_gateway_refused_total", code="UNAVAILABLE") == 1
    assert gateway.metric("upscaler_gateway_ready") == 1
    assert post(gateway).status_code == 200


def test_a_backend_that_drains_still_gives_its_finished_pictures(start_server):
    backend = start_backend(start_server, "--drain-delay-seconds=5")
    gateway = start_gateway(start_server, backend)
    job = requests.post(
        f"{gateway.rest_url}/v1/images/upscale",
        files={"image": SMALL},
        headers={"Prefer": "respond-async"},
        timeout=PATIENCE,
    ).json()
    while requests.get(f"{gateway.rest_url}/v1/jobs/{job['id']}").json()["status"] != "succeeded":
        pass

    backend.end()
    await_status(f"{gateway.rest_url}/readyz", 503)

    picture = requests.get(f"{gateway.rest_url}/v1/jobs/{job['id']}/images/0", timeout=PATIENCE)
    assert picture.status_code == 200


def test_a_gateway_without_a_backend_says_so(start_server):
    gateway = start_server("--backend=127.0.0.1:1", program=GATEWAY, awaited="listening")

    gateway.await_log("no backend is ready yet")


def test_a_signal_lets_open_requests_finish(start_server):
    backend = start_backend(start_server, step_ms=200)
    gateway = start_gateway(start_server, backend)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(post, gateway, num_inference_steps=10)
        gateway.await_metric("upscaler_gateway_open_requests", 1)
        gateway.end()
        gateway.await_log("draining")

        assert running.result().status_code == 200
    gateway.check_exit()
    with pytest.raises(requests.ConnectionError):
        post(gateway)


def test_the_gateway_asks_with_a_key_and_passes_on_those_of_clients(start_server, tmp_path):
    (tmp_path / "keys").write_text("gateway gateway-key-of-16-and-more\nshop shop-key-of-16-and-more\n")
    (tmp_path / "key").write_text("gateway-key-of-16-and-more\n")
    backend = start_backend(start_server, f"--api-keys-file={tmp_path / 'keys'}")
    gateway = start_gateway(
        start_server, backend, options=[f"--backend-api-key-file={tmp_path / 'key'}"]
    )

    with_key = requests.post(
        f"{gateway.rest_url}/v1/images/upscale",
        files={"image": SMALL},
        headers={"Authorization": "Bearer shop-key-of-16-and-more"},
        timeout=PATIENCE,
    )

    assert with_key.status_code == 200
    backend.await_logged(message="request done", api="rest", caller="shop")
    assert post(gateway).status_code == 401
    for path in ("/v1/models", "/v1/models/demo", "/v1/capabilities"):
        for key, status in (("", 401), ("wrong-key-of-16-and-more", 401),
                            ("shop-key-of-16-and-more", 200)):
            headers = {"Authorization": f"Bearer {key}"} if key else {}
            answer = requests.get(gateway.rest_url + path, headers=headers, timeout=PATIENCE)
            assert answer.status_code == status, (path, key)


def run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [str(BIN / GATEWAY), *options],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )


def test_it_explains_itself():
    explained, version = run("--help"), run("--version")

    assert explained.returncode == version.returncode == 0
    for option in ("--backend", "--rest-address", "--drain-seconds", "--cors-origins"):
        assert option in explained.stdout
    assert version.stdout.startswith("upscaler-gateway ")


@pytest.mark.parametrize(
    ("options", "code", "reason"),
    [
        (["--backend=nonsense"], 2, "'nonsense' given"),
        (["--cors-origins=nonsense"], 2, "'nonsense' is no origin"),
        (["--rest-address=nonsense"], 1, "cannot listen at 'nonsense'"),
        (["--backend=127.0.0.1:1,127.0.0.1:1"], 1, "is given twice"),
        (["--backend-ca=/no/such/file"], 1, "cannot read /no/such/file"),
    ],
)
def test_what_cannot_be_is_said_in_one_line(options, code, reason):
    ended = run("--admin-address=127.0.0.1:0", *options)

    assert ended.returncode == code
    assert reason in ended.stderr
