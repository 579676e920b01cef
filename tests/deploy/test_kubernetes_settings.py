"""The settings of deploy/k8s, and the program that takes them."""

import re
import subprocess

import pytest
import server_process
from kubernetes_manifests import OVERLAYS, overlay, settings_of

# What a machine without the pod's devices, model and patience needs otherwise; ports are free ones anyway.
HERE = ("--devices=cpu", "--dtype=float32", "--drain-delay-seconds=0")

# Read by the library that the server computes with.
OPENMP = {"OMP_WAIT_POLICY"}


@pytest.fixture(params=OVERLAYS)
def settings(request):
    return settings_of(overlay(request.param))


@pytest.fixture(scope="module")
def help_text():
    command = [server_process.BIN / "upscaler-server", "--help"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_every_setting_is_one_of_the_servers(settings, help_text):
    known = set(re.findall(r"\bUPSCALER_[A-Z_]+\b", help_text))

    assert set(settings) <= known | OPENMP


def test_what_rest_admits_is_finished_before_a_pod_ends(settings, help_text):
    longest = re.search(r"--rest-request-seconds .*=(\d+) ", help_text)[1]

    longest = settings.get("UPSCALER_REST_REQUEST_SECONDS", longest)

    assert int(settings["UPSCALER_DRAIN_SECONDS"]) >= int(longest)


def test_a_server_starts_with_them(settings, monkeypatch):
    monkeypatch.setattr(server_process, "ENVIRONMENT", server_process.ENVIRONMENT | settings)

    server = server_process.ServerProcess(*HERE)

    assert server.metric("upscaler_queue_capacity") == int(settings["UPSCALER_QUEUE_CAPACITY"])
    server.end()
    server.check_exit()
