"""The pods pass the Pod Security Standards' profile `restricted`, and somewhat more."""

import copy

import pytest
from kubernetes_manifests import OVERLAYS, containers_of, overlay, pod_of, with_component
from kubernetes_pod_security import violations

# The user that the images have, too.
USER = 10001


@pytest.fixture(params=OVERLAYS)
def pod(request):
    return pod_of(overlay(request.param))


def test_pods_pass_the_restricted_profile(pod):
    assert violations(pod) == []


@pytest.mark.parametrize("component", ["tls", "api-keys"])
def test_pods_with_secrets_pass_it_too(component, tmp_path):
    assert violations(pod_of(with_component(component, tmp_path))) == []


def test_pods_write_nothing_but_their_volumes_and_hold_no_token(pod):
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["spec"]["securityContext"]["runAsUser"] == USER
    for container in containers_of(pod):
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert "runAsUser" not in container["securityContext"]
    for volume in pod["spec"]["volumes"]:
        assert "sizeLimit" in volume.get("emptyDir", {"sizeLimit": None})


# Each is a pod that the profile refuses: a path in the pod's template, and what is put there.
SPEC = "spec"
CONTEXT = (SPEC, "securityContext")
MUTATIONS = {
    "hostNetwork": ((SPEC, "hostNetwork"), True),
    "hostPID": ((SPEC, "hostPID"), True),
    "hostIPC": ((SPEC, "hostIPC"), True),
    "volume of the host": ((SPEC, "volumes"), [{"name": "etc", "hostPath": {"path": "/etc"}}]),
    "volume of another kind": ((SPEC, "volumes"), [{"name": "disk", "nfs": {"path": "/"}}]),
    "root": ((*CONTEXT, "runAsUser"), 0),
    "root allowed": ((*CONTEXT, "runAsNonRoot"), False),
    "root not ruled out": ((*CONTEXT, "runAsNonRoot"), None),
    "no seccomp": ((*CONTEXT, "seccompProfile"), {}),
    "seccomp unconfined": ((*CONTEXT, "seccompProfile", "type"), "Unconfined"),
    "AppArmor unconfined": ((*CONTEXT, "appArmorProfile"), {"type": "Unconfined"}),
    "SELinux user": ((*CONTEXT, "seLinuxOptions"), {"user": "system_u"}),
    "SELinux type": ((*CONTEXT, "seLinuxOptions"), {"type": "spc_t"}),
    "sysctl": ((*CONTEXT, "sysctls"), [{"name": "kernel.msgmax", "value": "65536"}]),
    "HostProcess": ((*CONTEXT, "windowsOptions"), {"hostProcess": True}),
    "AppArmor annotation": (
        ("metadata", "annotations"),
        {"container.apparmor.security.beta.kubernetes.io/server": "unconfined"},
    ),
}
CONTAINER_MUTATIONS = {
    "privileged": (("securityContext", "privileged"), True),
    "escalation": (("securityContext", "allowPrivilegeEscalation"), True),
    "escalation not ruled out": (("securityContext", "allowPrivilegeEscalation"), None),
    "capabilities kept": (("securityContext", "capabilities"), {}),
    "one capability dropped": (("securityContext", "capabilities"), {"drop": ["NET_RAW"]}),
    "capability added": (("securityContext", "capabilities", "add"), ["SYS_PTRACE"]),
    "own root": (("securityContext", "runAsUser"), 0),
    "own root allowed": (("securityContext", "runAsNonRoot"), False),
    "own seccomp": (("securityContext", "seccompProfile"), {"type": "Unconfined"}),
    "procMount": (("securityContext", "procMount"), "Unmasked"),
    "no context": (("securityContext",), {}),
    "hostPort": (("ports",), [{"containerPort": 8997, "hostPort": 8997}]),
    "probe of another host": (("livenessProbe",), {"httpGet": {"port": 80, "host": "10.0.0.1"}}),
}


def put(place: dict, path: tuple[str, ...], value) -> None:
    *way, last = path
    for key in way:
        place = place.setdefault(key, {})
    if value is None:
        del place[last]
    else:
        place[last] = value


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_profile_refuses_a_pod(mutation):
    pod = copy.deepcopy(pod_of(overlay("gpu")))

    put(pod, *MUTATIONS[mutation])

    assert violations(pod) != []


@pytest.mark.parametrize("index", [0, 1], ids=["weights", "server"])
@pytest.mark.parametrize("mutation", CONTAINER_MUTATIONS)
def test_the_profile_refuses_a_container(mutation, index):
    pod = copy.deepcopy(pod_of(overlay("gpu")))

    put(containers_of(pod)[index], *CONTAINER_MUTATIONS[mutation])

    assert violations(pod) != []
