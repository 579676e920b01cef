"""At SIGTERM the server finishes what it has admitted, and its exit code is 0.

The exit code is checked by the fixture that started the server, as in all tests.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from client import QUICK, Client, messages, reason_of, retry_seconds_of, stream_requests
from pictures import SMALL
from server_process import DELAY_SERVER, ServerProcess

# Long enough that the signal comes in the middle.
SETTINGS = {"num_inference_steps": 60, "seed": 1}

# Of a stand-in for the model: 200 of them are seconds.
SLOW_STEPS = ["--step-ms=20", "--batching=none"]


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


def test_all_that_fill_the_queue_are_answered(start_server):
    server = start_server("--queue-capacity=4", *SLOW_STEPS, program=DELAY_SERVER)
    client = Client(server)
    with ThreadPoolExecutor() as pool:
        running = start_work(pool, server, client.upscale_stream, SMALL)
        waiting = [pool.submit(client.upscale_stream, SMALL) for _ in range(3)]
        server.await_metric("upscaler_rows_admitted", at_least=4)

        server.end()

        assert all(answer.result() != [] for answer in [running, *waiting])


def test_new_requests_are_refused_meanwhile(start_server):
    server = start_server(*SLOW_STEPS, program=DELAY_SERVER)
    client = Client(server)
    with ThreadPoolExecutor() as pool:
        answer = start_work(pool, server, client.upscale_stream, SMALL)
        server.end()
        server.await_log("refusing new requests")

        response = client.post(SMALL)
        with pytest.raises(grpc.RpcError) as raised:
            client.stub.Upscale(messages.UpscaleRequest(image=SMALL))

        assert response.status_code == 503
        assert int(response.headers["Retry-After"]) >= 1
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert reason_of(raised.value) == "DRAINING"
        assert retry_seconds_of(raised.value) > 0
        assert server.metric("upscaler_rejected_total", reason="draining") == 2
        assert answer.result() != []


def test_new_requests_are_served_until_the_load_balancer_has_heard(start_server):
    # Far longer than this test takes; nobody waits for it but the end of all tests.
    server = start_server("--drain-delay-seconds=5", program=DELAY_SERVER)
    client = Client(server)
    health = health_pb2_grpc.HealthStub(client.channel)

    server.end()
    server.await_log("draining")
    ready = requests.get(f"{server.rest_url}/readyz")
    serving = health.Check(health_pb2.HealthCheckRequest())
    live = requests.get(f"{server.rest_url}/livez")

    assert ready.status_code == 503
    assert serving.status == health_pb2.HealthCheckResponse.NOT_SERVING
    assert live.status_code == 200
    assert client.post(SMALL, **QUICK).status_code == 200
    assert client.upscale_stream(SMALL) != []


def test_what_takes_longer_than_the_drain_is_told_to_try_elsewhere(start_server):
    server = start_server("--drain-seconds=0", *SLOW_STEPS, program=DELAY_SERVER)
    client = Client(server)
    running = client.start_stream(SMALL, num_inference_steps=200)
    waiting = client.start_stream(SMALL, num_inference_steps=200)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=2)
    server.await_metric("upscaler_queue_depth", at_least=1)

    server.end()

    for call in (running, waiting):
        with pytest.raises(grpc.RpcError) as raised:
            list(call)
        assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
        assert reason_of(raised.value) == "DRAINING"
        assert retry_seconds_of(raised.value) > 0


def test_an_upload_that_does_not_end_is_told_so(start_server):
    server = start_server(program=DELAY_SERVER)
    client = Client(server)
    begun, over = threading.Event(), threading.Event()

    def half_a_picture():
        yield next(stream_requests(SMALL, **QUICK))
        begun.set()
        over.wait()

    call = client.stub.UpscaleStream(half_a_picture())
    begun.wait()

    server.end()

    with pytest.raises(grpc.RpcError):
        list(call)
    over.set()


def test_a_second_signal_ends_it_at_once(start_server):
    server = start_server(*SLOW_STEPS, program=DELAY_SERVER)
    call = Client(server).start_stream(SMALL, num_inference_steps=200)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)
    server.end()
    server.await_log("draining")

    server.end_at_once()

    server.check_exit(timeout=1)
    with pytest.raises(grpc.RpcError):
        list(call)


def test_a_server_that_loads_its_model_ends_at_once(start_server):
    loading = start_server("--load-ms=60000", program=DELAY_SERVER, awaited="loading the model")

    loading.end()

    loading.check_exit(timeout=1)
