"""A full queue, clients that go away, and what is left of them: nothing."""

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests

from client import QUICK, Client, messages, spec
from server_process import ServerProcess

# Would take far longer than a test has patience for noticing that it still runs.
LONG = {"num_inference_steps": 200}


def steps_taken(server: ServerProcess) -> float:
    return server.metric("upscaler_step_duration_seconds_count")


def await_running(server: ServerProcess) -> None:
    """Returns when the model has begun to work for somebody."""
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)


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
    server = start_server("--queue-capacity=2", "--max-batch=1")
    client = Client(server)
    running = client.start_stream(picture, n=2, **LONG)
    await_running(server)
    waiting = client.start_stream(picture, **LONG)
    next(waiting)  # It has its place.

    with pytest.raises(grpc.RpcError) as raised:
        client.stub.Upscale(messages.UpscaleRequest(spec=spec(**QUICK), image=picture))

    assert raised.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    running.cancel()
    waiting.cancel()


def test_a_cancelled_call_stops_the_work(start_server, picture):
    server = start_server("--max-batch=1")
    client = Client(server)
    call = client.start_stream(picture, **LONG)
    await_running(server)

    call.cancel()

    server.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED")
    assert steps_taken(server) < LONG["num_inference_steps"]
    assert client.upscale_stream(picture) != []
    assert server.metric("upscaler_queue_depth") == 0


def test_a_cancelled_call_leaves_the_queue(start_server, picture):
    server = start_server("--max-batch=1")
    client = Client(server)
    running = client.start_stream(picture, **LONG)
    await_running(server)
    waiting = client.start_stream(picture, n=3, **LONG)
    next(waiting)
    assert server.metric("upscaler_queue_depth") == 3

    waiting.cancel()

    server.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED")
    assert server.metric("upscaler_queue_depth") == 0
    running.cancel()


def test_a_deadline_ends_the_work(start_server, picture):
    server = start_server("--max-batch=1")
    request = messages.UpscaleRequest(spec=spec(**LONG), image=picture)

    with pytest.raises(grpc.RpcError) as raised:
        Client(server).stub.Upscale(request, timeout=0.2)

    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert Client(server).upscale_rest(picture) != []
    assert steps_taken(server) < LONG["num_inference_steps"]


def test_a_rest_client_that_hangs_up_stops_the_work(start_server, picture):
    server = start_server("--max-batch=1")
    connection = open_post(server, picture, **LONG)
    await_running(server)

    connection.close()

    server.await_metric("upscaler_requests_total", at_least=1, api="rest", code="CANCELLED")
    assert Client(server).upscale_rest(picture) != []
    assert steps_taken(server) < LONG["num_inference_steps"]
    assert server.metric("upscaler_queue_depth") == 0
