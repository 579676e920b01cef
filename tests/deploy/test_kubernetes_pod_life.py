"""How pods come and go without a lost request: probes, drain, and the numbers that have to fit one another."""

import pytest
from kubernetes_manifests import (
    OVERLAYS,
    only,
    overlay,
    pod_of,
    ports_of,
    server_of,
    settings_of,
    with_component,
)

# Room to unload the model and exit, after all that is waited for.
SECONDS_TO_EXIT = 15


@pytest.fixture(params=OVERLAYS)
def objects(request):
    return overlay(request.param)


def test_a_pod_that_loads_is_alive_and_not_ready(objects):
    server = server_of(objects)
    grpc = ports_of(objects)["grpc"]

    assert server["startupProbe"]["grpc"] == {"port": grpc, "service": "liveness"}
    assert server["livenessProbe"]["grpc"] == {"port": grpc, "service": "liveness"}
    assert server["readinessProbe"]["grpc"] == {"port": grpc}


def test_probes_speak_tls_where_the_server_does(tmp_path):
    server = server_of(with_component("tls", tmp_path))

    for probe, path in [("startup", "/livez"), ("liveness", "/livez"), ("readiness", "/readyz")]:
        handler = server[f"{probe}Probe"]
        assert "grpc" not in handler
        assert handler["httpGet"] == {"scheme": "HTTPS", "port": "rest", "path": path}


def test_a_pod_is_given_the_time_that_it_takes_to_end(objects):
    settings = settings_of(objects)
    # A hook's time would count, too; one whose time cannot be told is none of ours.
    hook = server_of(objects).get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})

    drained = int(settings["UPSCALER_DRAIN_DELAY_SECONDS"]) + int(settings["UPSCALER_DRAIN_SECONDS"])

    grace = pod_of(objects)["spec"]["terminationGracePeriodSeconds"]
    assert grace >= hook["sleep"]["seconds"] + drained + SECONDS_TO_EXIT


def test_connections_are_made_anew_before_a_pod_refuses_calls(objects):
    settings = settings_of(objects)

    # gRPC spreads the age by a tenth to both sides.
    oldest = 1.1 * int(settings["UPSCALER_CONNECTION_AGE_SECONDS"])

    assert 0 < oldest < int(settings["UPSCALER_DRAIN_DELAY_SECONDS"])


def test_no_pod_goes_before_another_has_come(objects):
    rolling = only(objects, "Deployment")["spec"]["strategy"]["rollingUpdate"]

    assert rolling == {"maxUnavailable": 0, "maxSurge": 1}
