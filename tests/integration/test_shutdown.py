"""At SIGTERM the server finishes what it has admitted, and its exit code is 0.

The exit code is checked by the fixture that started the server, as in all tests.
"""

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from client import Client, messages
from server_process import ServerProcess

# Long enough that the signal comes in the middle.
SETTINGS = {"num_inference_steps": 60, "seed": 1}


def start_work(pool: ThreadPoolExecutor, server: ServerProcess, way, picture: bytes):
    future = pool.submit(way, picture, **SETTINGS)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)
    return future


@pytest.mark.parametrize("way", ["upscale_rest", "upscale_unary", "upscale_stream"])
def test_a_running_request_is_answered(start_server, way, picture):
    server = start_server()
    with ThreadPoolExecutor() as pool:
        answer = start_work(pool, server, getattr(Client(server), way), picture)

        server.end()

        assert answer.result()[0].array.shape == (128, 128, 3)


def test_a_waiting_request_is_answered(start_server, picture):
    server = start_server("--max-batch=1")
    client = Client(server)
    with ThreadPoolExecutor() as pool:
        first = start_work(pool, server, client.upscale_stream, picture)
        second = pool.submit(client.upscale_stream, picture)
        server.await_metric("upscaler_queue_depth", at_least=1)

        server.end()

        assert first.result() != [] and second.result() != []


def test_new_requests_are_refused_meanwhile(start_server, picture):
    server = start_server()
    client = Client(server)
    with ThreadPoolExecutor() as pool:
        answer = start_work(pool, server, client.upscale_stream, picture)
        server.end()
        server.await_log("draining")

        response = client.post(picture)
        with pytest.raises(grpc.RpcError) as raised:
            client.stub.Upscale(messages.UpscaleRequest(image=picture))

        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert answer.result() != []


def test_what_takes_longer_than_the_drain_is_cancelled(start_server, picture):
    server = start_server("--drain-seconds=0")
    call = Client(server).start_stream(picture, num_inference_steps=200)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)

    server.end()

    with pytest.raises(grpc.RpcError):
        list(call)
