"""What operators and their tools ask of the server."""

import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)
from prometheus_client.parser import text_string_to_metric_families

from client import QUICK, Client
from server_process import ServerProcess

SERVICE = "upscaler.v1.UpscalerService"


@pytest.mark.parametrize("service", ["", SERVICE])
def test_the_health_service_says_serving(client: Client, service):
    stub = health_pb2_grpc.HealthStub(client.channel)

    answer = stub.Check(health_pb2.HealthCheckRequest(service=service))

    assert answer.status == health_pb2.HealthCheckResponse.SERVING


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
    assert len(ours) >= 8
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


def test_the_log_tells_each_request_and_never_its_prompt(client: Client, picture):
    secret = "a prompt that nobody else may read"
    client.upscale_rest(picture, prompt=secret)

    log = str(client.server.log)

    assert "request done" in log
    assert secret not in log
