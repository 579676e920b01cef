"""What operators and their tools ask of the server."""

import time

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from prometheus_client.parser import text_string_to_metric_families

from client import QUICK, Client
from server_process import DELAY_SERVER, ServerProcess, total

SERVICE = "upscaler.v1.UpscalerService"


def is_serving(client: Client, service: str) -> bool:
    stub = health_pb2_grpc.HealthStub(client.channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service))
    return answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.parametrize("service", ["", SERVICE, "liveness"])
def test_the_health_service_says_serving(client: Client, service):
    assert is_serving(client, service)


def test_a_step_that_hangs_is_seen_by_readiness_first_and_by_liveness_within_ten_seconds(
    start_server, picture
):
    server = start_server("--hang-seed=7", "--drain-seconds=0", program=DELAY_SERVER)
    client = Client(server)

    def status(page: str) -> int:
        return requests.get(f"{server.rest_url}/{page}", timeout=5).status_code

    hanging = client.start_stream(picture, seed=7)
    next(hanging)
    start = time.monotonic()
    seen = []
    while "livez" not in seen and time.monotonic() < start + 15:
        seen += [page for page in ("readyz", "livez") if page not in seen and status(page) == 503]
        time.sleep(0.05)

    assert seen == ["readyz", "livez"]
    assert time.monotonic() - start <= 10
    assert not any(is_serving(client, service) for service in ("", SERVICE, "liveness"))
    # Nothing can be done about it but to end the process, and that works.
    server.expect_exit(1)
    server.end()
    server.check_exit()
    with pytest.raises(grpc.RpcError):
        list(hanging)


def test_reflection_lists_the_service(client: Client):
    database = ProtoReflectionDescriptorDatabase(client.channel)

    assert SERVICE in database.get_services()
    file = database.FindFileContainingSymbol("upscaler.v1.UpscaleSpec")
    assert "UpscaleSpec" in [message.name for message in file.message_type]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/v1", "/v1/"])
def test_the_status_pages_answer(server: ServerProcess, path):
    response = requests.get(server.rest_url + path)

    assert response.status_code == 200
    assert response.json() == {"status": True}


def test_the_metrics_page_parses_and_every_metric_has_help(server: ServerProcess):
    text = requests.get(f"{server.admin_url}/metrics").text

    ours = [f for f in text_string_to_metric_families(text) if f.name.startswith("upscaler_")]
    assert len(ours) >= 20
    assert all(family.documentation and family.type != "unknown" for family in ours)


def test_the_metrics_count_requests_by_outcome(client: Client, picture):
    def count(**labels):
        return client.server.metric("upscaler_requests_total", **labels)

    good, bad = {"api": "rest", "code": "OK"}, {"api": "rest", "code": "INVALID_ARGUMENT"}
    good_before, bad_before = count(**good), count(**bad)

    client.upscale_rest(picture)
    client.upscale_rest(picture)
    client.post(b"no picture", **QUICK)

    assert count(**good) - good_before == 2
    assert count(**bad) - bad_before == 1


def test_the_metrics_say_what_runs(server: ServerProcess):
    assert server.metric("upscaler_build_info", model="demo") == 1
    assert server.metric("upscaler_replica_up", device="cpu") == 1
    assert server.metric("upscaler_queue_capacity") == 64


def test_a_prompt_that_was_read_is_not_read_again(client: Client, picture):
    def counts() -> tuple[float, float]:
        samples = client.server.scrape()
        names = ("upscaler_text_cache_hits_total", "upscaler_text_cache_misses_total")
        return tuple(total(samples, name) for name in names)

    prompts = {"prompt": "a prompt of its own", "negative_prompt": "another of its own"}
    hits_before, misses_before = counts()

    client.upscale_rest(picture, n=2, **prompts)
    client.upscale_rest(picture, **prompts)

    hits, misses = counts()
    assert (hits - hits_before, misses - misses_before) == (4, 2)


def test_the_log_tells_each_request_and_never_its_prompt(client: Client, picture):
    secret = "a prompt that nobody else may read"
    client.upscale_rest(picture, prompt=secret)

    log = str(client.server.log)

    assert "request done" in log
    assert secret not in log
