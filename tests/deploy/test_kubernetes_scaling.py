"""How many servers there are: by the autoscaler of Kubernetes, or by KEDA's, which are to come to the same."""

import pytest
from kubernetes_manifests import of_kind, only, overlay, settings_of


def test_autoscalers_count_the_work_of_the_deployment():
    scaler = only(overlay("gpu"), "HorizontalPodAutoscaler")["spec"]
    (metric,) = scaler["metrics"]
    settings = settings_of(overlay("gpu"))

    assert scaler["scaleTargetRef"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": only(overlay("gpu"), "Deployment")["metadata"]["name"],
    }
    assert metric["pods"]["metric"]["name"] == "upscaler_rows_admitted"
    # Otherwise requests would be refused before another server is asked for.
    target = int(metric["pods"]["target"]["averageValue"])
    assert 2 * target <= int(settings["UPSCALER_QUEUE_CAPACITY"])


def test_keda_scales_as_the_autoscaler_does_and_instead_of_it():
    objects = overlay("gpu-keda")
    keda = only(objects, "ScaledObject")["spec"]
    (trigger,) = keda["triggers"]
    scaler = only(overlay("gpu"), "HorizontalPodAutoscaler")["spec"]

    assert of_kind(objects, "HorizontalPodAutoscaler") == []
    assert keda["scaleTargetRef"]["name"] == only(objects, "Deployment")["metadata"]["name"]
    assert keda["minReplicaCount"] == scaler["minReplicas"]
    assert keda["maxReplicaCount"] == scaler["maxReplicas"]
    assert keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"] == scaler["behavior"]
    assert "upscaler_rows_admitted" in trigger["metadata"]["query"]
    assert trigger["metadata"]["threshold"] == scaler["metrics"][0]["pods"]["target"]["averageValue"]


@pytest.mark.parametrize("name", ["gpu", "gpu-keda"])
def test_an_autoscaled_deployment_says_no_number(name):
    assert "replicas" not in only(overlay(name), "Deployment")["spec"]
