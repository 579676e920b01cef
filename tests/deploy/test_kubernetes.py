"""What deploy/k8s sends to a cluster: whether the cluster would take it, and whether its parts fit one another."""

import copy
import re
import subprocess
from pathlib import PurePosixPath

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_custom_resources import SCHEMAS
from kubernetes_manifests import (
    K8S,
    OVERLAYS,
    SOURCE,
    containers_of,
    of_kind,
    only,
    overlay,
    pod_of,
    ports_of,
    selects,
    server_of,
    settings_of,
    with_component,
)

# The oldest that deploy/k8s/README.md names, and the newest that there are schemas of.
KUBERNETES = ("1.28", "1.37")

MIB = {"Mi": 1, "Gi": 1024}
BOUNDED = ("QUEUE", "UPLOADS", "GRPC_MEMORY", "JOB")


def check(manifest: dict) -> None:
    """Raises where the API would refuse it, and where it would drop a field that it does not know."""
    schema = SCHEMAS.get(manifest["kind"])
    if schema is not None:
        jsonschema.validate(manifest, schema)
        return
    for version in KUBERNETES:
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.fixture(params=OVERLAYS)
def objects(request):
    return overlay(request.param)


@pytest.fixture(params=["tls", "api-keys"])
def with_secret(request, tmp_path):
    return with_component(request.param, tmp_path)


def test_the_api_takes_every_object(objects):
    for manifest in objects:
        check(manifest)


def test_the_api_takes_what_components_make(with_secret):
    for manifest in with_secret:
        check(manifest)


@pytest.mark.parametrize("kind", ["Deployment", "NetworkPolicy", "PodMonitor", "ScaledObject"])
def test_an_unknown_field_is_noticed(kind):
    manifest = copy.deepcopy(of_kind(overlay("gpu-keda"), kind)[0])

    manifest["spec"]["replica"] = 1

    with pytest.raises((kubernetes_validate.ValidationError, jsonschema.ValidationError)):
        check(manifest)


def test_an_installation_for_a_look_needs_no_kinds_of_operators():
    for manifest in overlay("cpu-demo"):
        assert manifest["kind"] not in SCHEMAS


def test_names_are_not_bound_to_a_namespace(objects):
    for manifest in objects:
        assert "namespace" not in manifest["metadata"]
        assert manifest["metadata"]["labels"]["app.kubernetes.io/name"] == "upscaler"


def test_selectors_find_the_pods(objects):
    pod = pod_of(objects)

    selectors = [only(objects, "Deployment")["spec"]["selector"]["matchLabels"]]
    selectors += [service["spec"]["selector"] for service in of_kind(objects, "Service")]
    selectors += [one["spec"]["podSelector"]["matchLabels"] for one in of_kind(objects, "NetworkPolicy")]
    selectors += [
        one["spec"]["selector"]["matchLabels"]
        for kind in ("PodDisruptionBudget", "PodMonitor")
        for one in of_kind(objects, kind)
    ]
    selectors += [
        one["labelSelector"]["matchLabels"] for one in pod["spec"]["topologySpreadConstraints"]
    ]

    for labels in selectors:
        assert selects(labels, pod), labels


def test_a_selector_of_another_label_is_noticed():
    pod = pod_of(overlay("cpu-demo"))

    assert not selects({"app": "upscaler"}, pod)
    assert not selects({}, pod)


def test_what_the_pod_names_is_there(objects):
    there = {(one["kind"], one["metadata"]["name"]) for one in objects}
    keys = {one["metadata"]["name"]: set(one["data"]) for one in of_kind(objects, "ConfigMap")}
    pod = pod_of(objects)

    assert ("ServiceAccount", pod["spec"]["serviceAccountName"]) in there
    for volume in pod["spec"]["volumes"]:
        if "configMap" in volume:
            items = {item["key"] for item in volume["configMap"]["items"]}
            assert items <= keys[volume["configMap"]["name"]]
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in there
    for container in containers_of(pod):
        for variable in container.get("env", []):
            reference = variable["valueFrom"]["configMapKeyRef"]
            assert reference["key"] in keys[reference["name"]]


@pytest.mark.parametrize("name", ["gpu", "gpu-keda"])
def test_weights_are_fetched_to_where_the_server_looks(name):
    objects = overlay(name)
    fetcher, server = containers_of(pod_of(objects))
    script = (SOURCE / "deploy/docker/fetch_weights.sh").read_text()
    model = PurePosixPath(settings_of(objects)["UPSCALER_MODEL"])

    mounts = {mount["name"]: mount["mountPath"] for mount in fetcher["volumeMounts"]}
    given = {variable["name"]: variable["valueFrom"] for variable in fetcher["env"]}

    # The folder lies in the volume, and is not the volume: it is given its name when it is complete.
    assert str(model.parent) == mounts["models"]
    assert given["UPSCALER_WEIGHTS_FOLDER"]["configMapKeyRef"]["key"] == "UPSCALER_MODEL"
    assert {"name": "models", "mountPath": mounts["models"], "readOnly": True} in server["volumeMounts"]
    assert f"{mounts['weights-manifest']}/weights.sha256" in script
    assert set(given) <= set(re.findall(r"UPSCALER_WEIGHTS_[A-Z]+", script))


def test_services_and_policies_speak_of_the_ports_that_are_served(objects):
    ports = ports_of(objects)
    settings = settings_of(objects)
    policy = next(one for one in of_kind(objects, "NetworkPolicy") if "ingress" in one["spec"])
    from_anywhere, from_monitoring = policy["spec"]["ingress"]

    assert ports == {
        "grpc": int(settings["UPSCALER_GRPC_ADDRESS"].rpartition(":")[2]),
        "rest": int(settings["UPSCALER_REST_ADDRESS"].rpartition(":")[2]),
        "metrics": int(settings["UPSCALER_ADMIN_ADDRESS"].rpartition(":")[2]),
    }
    for service in of_kind(objects, "Service"):
        for port in service["spec"]["ports"]:
            assert port["port"] == ports[port["targetPort"]]
            assert port["targetPort"] != "metrics"
    assert "from" not in from_anywhere
    assert {one["port"] for one in from_anywhere["ports"]} == {ports["grpc"], ports["rest"]}
    assert [one["port"] for one in from_monitoring["ports"]] == [ports["metrics"]]
    assert from_monitoring["from"] == [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    ]
    for monitor in of_kind(objects, "PodMonitor"):
        assert [one["port"] for one in monitor["spec"]["podMetricsEndpoints"]] == ["metrics"]


def test_pods_call_out_for_names_traces_and_weights_alone(objects):
    ports = {
        port["port"]
        for policy in of_kind(objects, "NetworkPolicy")
        for rule in policy["spec"]["egress"]
        for port in rule["ports"]
    }
    fetches = len(containers_of(pod_of(objects))) > 1

    assert all("Egress" in one["spec"]["policyTypes"] for one in of_kind(objects, "NetworkPolicy"))
    assert ports == ({53, 4317, 443} if fetches else {53, 4317})


def test_files_of_secrets_are_where_the_settings_say(with_secret):
    mounts = {one["name"]: one["mountPath"] for one in server_of(with_secret)["volumeMounts"]}
    secrets = [one["name"] for one in pod_of(with_secret)["spec"]["volumes"] if "secret" in one]
    files = [value for value in settings_of(with_secret).values() if value.startswith("/etc/")]

    assert files and secrets
    for file in files:
        assert file.rpartition("/")[0] in [mounts[secret] for secret in secrets]


def test_pictures_take_half_of_the_memory_at_most(objects):
    settings = settings_of(objects)
    resources = server_of(objects)["resources"]
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", resources["limits"]["memory"]).groups()

    bounded = sum(int(settings[f"UPSCALER_{name}_MIB"]) for name in BOUNDED)

    assert 2 * bounded <= int(number) * MIB[unit]
    assert resources["requests"]["memory"] == resources["limits"]["memory"]


def test_images_have_this_version(objects):
    version = re.search(r"project\(upscaler VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]

    for container in containers_of(pod_of(objects)):
        _, _, tag = container["image"].partition(":")
        assert tag in (version, f"{version}-cuda"), container["image"]


def test_settings_have_a_name_that_changes_with_them(objects):
    (source,) = server_of(objects)["envFrom"]

    assert re.fullmatch(r"upscaler-settings-\w{10}", source["configMapRef"]["name"])


def test_alerts_are_those_of_prometheus():
    folder = K8S / "components/monitoring"
    made = subprocess.run(
        [folder / "prometheus_rule.sh"], check=True, capture_output=True, text=True
    ).stdout

    assert (folder / "prometheus-rule.yaml").read_text() == made, "run prometheus_rule.sh"
    rules = yaml.safe_load((SOURCE / "deploy/prometheus/upscaler.rules.yaml").read_text())
    assert only(overlay("gpu"), "PrometheusRule")["spec"] == rules
