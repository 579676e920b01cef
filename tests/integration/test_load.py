"""A full queue, clients that go away, and what is left of them: nothing."""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from client import QUICK, Client, messages, spec
from server_process import ServerProcess

# Would take far longer than a test has patience for noticing that it still runs.
LONG = {"num_inference_steps": 200}

STEPS = "upscaler_step_duration_seconds_count"
REQUESTS = "upscaler_requests_total"


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    """Works for one picture at a time, so that others have to wait."""
    process = ServerProcess("--max-batch=1")
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture(scope="module")
def client(server: ServerProcess) -> Client:
    return Client(server)


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
    server = start_server("--queue-capacity=1", "--max-batch=1")
    client = Client(server)

    with ThreadPoolExecutor(6) as pool:
        responses = list(
            pool.map(lambda seed: client.post(picture, seed=seed, num_inference_steps=50), range(6))
        )

    refused = [response for response in responses if response.status_code == 429]
    served = [response for response in responses if response.status_code == 200]
    assert refused and served and len(refused) + len(served) == 6
    for response in refused:
        assert int(response.headers["Retry-After"]) >= 1
        assert response.json()["error"]["code"] == "queue_full"
        assert "x-should-retry" not in response.headers
    assert server.metric("upscaler_queue_depth") == 0
    assert server.metric("upscaler_rejected_total", reason="full") == len(refused)


def test_a_full_queue_says_so_by_grpc(start_server, picture):
    server = start_server("--queue-capacity=1", "--max-batch=1")
    client = Client(server)
    running = await_running(server, lambda: client.start_stream(picture, **LONG))
    waiting = client.start_stream(picture, **LONG)
    next(waiting)  # It has its place.

    with pytest.raises(grpc.RpcError) as raised:
        client.stub.Upscale(messages.UpscaleRequest(spec=spec(**QUICK), image=picture))

    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    details = {one.TypeName(): one.value for one in rpc_status.from_call(raised.value).details}
    retry = error_details_pb2.RetryInfo.FromString(details["google.rpc.RetryInfo"])
    assert retry.retry_delay.ToMilliseconds() > 0
    running.cancel()
    waiting.cancel()


def test_a_cancelled_call_stops_the_work(server, client, picture):
    before = cancelled(server)
    call = await_running(server, lambda: client.start_stream(picture, **LONG))

    call.cancel()

    server.await_metric(REQUESTS, at_least=before + 1, code="CANCELLED")


def test_a_cancelled_call_leaves_the_queue(server, client, picture):
    before = cancelled(server)
    running = await_running(server, lambda: client.start_stream(picture, **LONG))
    waiting = client.start_stream(picture, n=3, **LONG)
    next(waiting)
    assert server.metric("upscaler_queue_depth") == 3

    waiting.cancel()

    server.await_metric(REQUESTS, at_least=before + 1, code="CANCELLED")
    assert server.metric("upscaler_queue_depth") == 0
    running.cancel()


def test_a_deadline_ends_the_work(client, picture):
    request = messages.UpscaleRequest(spec=spec(**LONG), image=picture)

    with pytest.raises(grpc.RpcError) as raised:
        client.stub.Upscale(request, timeout=0.2)

    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_rest_client_that_hangs_up_stops_the_work(server, picture):
    before = cancelled(server, api="rest")
    connection = await_running(server, lambda: open_post(server, picture, **LONG))

    connection.close()

    server.await_metric(REQUESTS, at_least=before + 1, api="rest", code="CANCELLED")
