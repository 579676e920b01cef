"""The Pod Security Standards' profile `restricted`, as the Kubernetes documentation has it for pods of Linux.

It is what a namespace with the label pod-security.kubernetes.io/enforce=restricted admits. What the standard allows and no
manifest here needs is allowed here too, so that this stays the standard and not our taste.
"""

from collections.abc import Iterator

VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
CAPABILITIES_TO_ADD = {"NET_BIND_SERVICE"}
SECCOMP = {"RuntimeDefault", "Localhost"}
APP_ARMOR = {None, "RuntimeDefault", "Localhost"}
SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
HOOKS = ("postStart", "preStop")


def violations(pod: dict) -> list[str]:
    """What of a pod's template the profile forbids, in words."""
    spec = pod["spec"]
    found = list(_of_pod(pod.get("metadata", {}), spec))
    for kind in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(kind, []):
            found += [
                f"{container['name']}: {what}"
                for what in _of_container(container, spec.get("securityContext", {}))
            ]
    return found


def _of_pod(metadata: dict, spec: dict) -> Iterator[str]:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        # One without a source is an emptyDir.
        if not set(volume) - {"name"} <= VOLUMES:
            yield f"volume {volume['name']}"
    context = spec.get("securityContext", {})
    yield from _of_any_context(context)
    for sysctl in context.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    for name, value in metadata.get("annotations", {}).items():
        if name.startswith("container.apparmor.security.beta.kubernetes.io/"):
            if value != "runtime/default" and not value.startswith("localhost/"):
                yield f"annotation {name}"


def _of_container(container: dict, of_pod: dict) -> Iterator[str]:
    context = container.get("securityContext", {})
    yield from _of_any_context(context)
    if context.get("privileged"):
        yield "privileged"
    if context.get("procMount", "Default") != "Default":
        yield "procMount"
    if context.get("allowPrivilegeEscalation") is not False:
        yield "allowPrivilegeEscalation"
    # A container's own word goes over the pod's.
    if context.get("runAsNonRoot", of_pod.get("runAsNonRoot")) is not True:
        yield "runAsNonRoot"
    if context.get("seccompProfile", of_pod.get("seccompProfile", {})).get("type") not in SECCOMP:
        yield "seccompProfile"
    capabilities = context.get("capabilities", {})
    if "ALL" not in capabilities.get("drop", []):
        yield "capabilities are not dropped"
    if not set(capabilities.get("add", [])) <= CAPABILITIES_TO_ADD:
        yield "capabilities are added"
    if any(port.get("hostPort") for port in container.get("ports", [])):
        yield "hostPort"
    handlers = [container.get(probe, {}) for probe in PROBES]
    handlers += [container.get("lifecycle", {}).get(hook, {}) for hook in HOOKS]
    for handler in handlers:
        if handler.get("httpGet", {}).get("host") or handler.get("tcpSocket", {}).get("host"):
            yield "host of a probe or hook"


def _of_any_context(context: dict) -> Iterator[str]:
    """What a pod's context and a container's have in common."""
    if context.get("runAsUser") == 0:
        yield "runAsUser"
    if context.get("seccompProfile", {}).get("type", "RuntimeDefault") not in SECCOMP:
        yield "seccompProfile"
    if context.get("appArmorProfile", {}).get("type") not in APP_ARMOR:
        yield "appArmorProfile"
    selinux = context.get("seLinuxOptions", {})
    if selinux.get("type") not in SELINUX_TYPES or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
