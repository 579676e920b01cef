"""A full queue, clients that go away, and what is left of them: nothing."""

import socket
from collections.abc import Callable, Iterator

import grpc
import pytest
import requests

from client import QUICK, Client, at_once, messages, reason_of, retry_seconds_of, spec
from pictures import SMALL
from server_process import DELAY_SERVER, ServerProcess, total

# 200 steps of 20 ms: enough time for everything that is to happen meanwhile.
LONG = {"num_inference_steps": 200}
ONE_BY_ONE = ["--step-ms=20", "--batching=none"]

STEPS = "upscaler_step_duration_seconds_count"
REQUESTS = "upscaler_requests_total"
CANCELLED = "upscaler_cancelled_total"
WASTED = "upscaler_wasted_steps_total"


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    """Works for one picture at a time, so that others have to wait, and not for long."""
    process = ServerProcess(*ONE_BY_ONE, program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Client:
    return Client(server)


@pytest.fixture(scope="module")
def picture() -> bytes:
    return SMALL


@pytest.fixture(autouse=True)
def nothing_is_left_behind(client: Client, picture):
    """After each test the next request is served, and not after 200 steps for nobody."""
    before = client.server.metric(STEPS)
    yield
    assert client.upscale_rest(picture) != []
    assert client.server.metric("upscaler_queue_depth") == 0
    assert client.server.metric(STEPS) - before < LONG["num_inference_steps"]


def await_running(server: ServerProcess, call: Callable):
    """What `call` returns, as soon as the model has begun to work for it."""
    before = server.metric(STEPS)
    result = call()
    server.await_metric(STEPS, at_least=before + 1)
    return result


def cancelled(server: ServerProcess, **labels) -> float:
    return server.metric(REQUESTS, code="CANCELLED", **labels)


def open_post(server: ServerProcess, picture: bytes, **fields) -> socket.socket:
    """Sends a whole request and leaves the answer for later."""
    request = requests.Request(
        "POST", f"{server.rest_url}/v1/images/upscale", files={"image": picture}, data=fields
    ).prepare()
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    connection = socket.create_connection(("127.0.0.1", server.rest_port))
    connection.sendall(
        f"POST {request.path_url} HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + request.body
    )
    return connection


def test_a_full_queue_refuses_and_serves_those_it_took(start_server, picture):
    server = start_server("--queue-capacity=2", *ONE_BY_ONE, program=DELAY_SERVER)
    client = Client(server)

    responses = at_once(
        lambda seed: client.post(picture, seed=seed, num_inference_steps=25), range(6)
    )

    refused = [response for response in responses if response.status_code == 429]
    served = [response for response in responses if response.status_code == 200]
    assert refused and len(served) >= 2 and len(refused) + len(served) == 6
    for response in refused:
        assert int(response.headers["Retry-After"]) >= 1
        assert response.json()["error"]["code"] == "queue_full"
        assert "x-should-retry" not in response.headers
    assert server.metric("upscaler_rows_admitted") == 0
    assert server.metric("upscaler_rejected_total", reason="full") == len(refused)


def test_a_full_queue_says_so_by_grpc(start_server, picture):
    server = start_server("--queue-capacity=2", *ONE_BY_ONE, program=DELAY_SERVER)
    client = Client(server)
    running = await_running(server, lambda: client.start_stream(picture, **LONG))
    waiting = client.start_stream(picture, **LONG)
    next(waiting)  # It has its place.

    with pytest.raises(grpc.RpcError) as raised:
        client.stub.Upscale(messages.UpscaleRequest(spec=spec(**QUICK), image=picture))

    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(raised.value) == "QUEUE_FULL"
    assert retry_seconds_of(raised.value) > 0
    running.cancel()
    waiting.cancel()


def test_a_cancelled_call_stops_the_work(server, client, picture):
    before = cancelled(server)
    in_work_before = server.metric(CANCELLED, stage="running")
    wasted_before = server.metric(WASTED)
    call = await_running(server, lambda: client.start_stream(picture, **LONG))

    call.cancel()

    server.await_metric(REQUESTS, at_least=before + 1, code="CANCELLED")
    assert server.metric(CANCELLED, stage="running") == in_work_before + 1
    assert server.metric(WASTED) > wasted_before


def test_a_cancelled_call_leaves_the_queue(server, client, picture):
    before = cancelled(server)
    in_queue_before = server.metric(CANCELLED, stage="queued")
    running = await_running(server, lambda: client.start_stream(picture, **LONG))
    waiting = client.start_stream(picture, n=3, **LONG)
    next(waiting)
    assert server.metric("upscaler_queue_depth") == 3

    waiting.cancel()

    server.await_metric(REQUESTS, at_least=before + 1, code="CANCELLED")
    assert server.metric("upscaler_queue_depth") == 0
    assert server.metric(CANCELLED, stage="queued") == in_queue_before + 3
    running.cancel()


def test_a_rest_client_that_hangs_up_stops_the_work(server, picture):
    before = cancelled(server, api="rest")
    connection = await_running(server, lambda: open_post(server, picture, **LONG))

    connection.close()

    server.await_metric(REQUESTS, at_least=before + 1, api="rest", code="CANCELLED")


def test_every_request_is_accounted_for_at_every_moment(server, client, picture):
    def unaccounted(samples) -> float:
        return (
            total(samples, "upscaler_admitted_total")
            - total(samples, "upscaler_finished_total")
            - total(samples, "upscaler_in_flight")
        )

    def request(number: int) -> None:
        if number % 4 == 0:
            client.post(b"no picture", **QUICK)
        elif number % 4 == 1:
            call = client.start_stream(picture, **LONG)
            next(call)
            call.cancel()
        else:
            client.upscale_rest(picture)

    def scrape_or_request(number: int) -> list[float]:
        if number > 0:
            request(number)
            return []
        return [unaccounted(server.scrape()) for _ in range(50)]

    before = server.scrape()
    (unaccounted_for, *_) = at_once(scrape_or_request, range(16))

    assert unaccounted_for == [0] * 50
    server.await_metric(REQUESTS, at_least=total(before, REQUESTS) + 15)
    after = server.scrape()
    assert total(after, "upscaler_in_flight") == 0
    for outcome, count in {"done": 8, "failed": 3, "cancelled": 4}.items():
        finished = total(after, "upscaler_finished_total", outcome=outcome)
        assert finished == total(before, "upscaler_finished_total", outcome=outcome) + count
