"""The manifests as a cluster would get them, and questions that several tests ask of them."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import yaml

SOURCE = Path(__file__).resolve().parents[2]
K8S = SOURCE / "deploy/k8s"
KUBECTL = Path(sys.executable).parent / "kubectl"

OVERLAYS = sorted(path.name for path in (K8S / "overlays").iterdir())


@functools.cache
def _rendered(folder: Path) -> str:
    return subprocess.run(
        [KUBECTL, "kustomize", folder], check=True, capture_output=True, text=True
    ).stdout


def render(folder: Path) -> list[dict]:
    """Every object that `kubectl apply -k` would send: the caller's own, to do with as it likes."""
    return list(yaml.safe_load_all(_rendered(folder)))


def overlay(name: str) -> list[dict]:
    return render(K8S / "overlays" / name)


def with_component(name: str, folder: Path) -> list[dict]:
    """cpu-demo and a component that no overlay has; `folder` is an empty one."""
    (folder / "kustomization.yaml").write_text(
        yaml.safe_dump(
            {
                "resources": [os.path.relpath(K8S / "overlays/cpu-demo", folder)],
                "components": [os.path.relpath(K8S / "components" / name, folder)],
            }
        )
    )
    return render(folder)


def of_kind(objects: list[dict], kind: str) -> list[dict]:
    return [one for one in objects if one["kind"] == kind]


def only(objects: list[dict], kind: str) -> dict:
    (one,) = of_kind(objects, kind)
    return one


def pod_of(objects: list[dict]) -> dict:
    """The pod's template."""
    return only(objects, "Deployment")["spec"]["template"]


def containers_of(pod: dict) -> list[dict]:
    return pod["spec"].get("initContainers", []) + pod["spec"]["containers"]


def server_of(objects: list[dict]) -> dict:
    (server,) = pod_of(objects)["spec"]["containers"]
    return server


def ports_of(objects: list[dict]) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in server_of(objects)["ports"]}


def settings_of(objects: list[dict]) -> dict[str, str]:
    """What stands in the server's environment."""
    maps = {one["metadata"]["name"]: one["data"] for one in of_kind(objects, "ConfigMap")}
    settings = {}
    for source in server_of(objects)["envFrom"]:
        settings |= maps[source["configMapRef"]["name"]]
    return settings


def selects(labels: dict[str, str], pod: dict) -> bool:
    """Whether a selector finds the pod; an empty one would find every pod, which nobody means."""
    return bool(labels) and labels.items() <= pod["metadata"]["labels"].items()
