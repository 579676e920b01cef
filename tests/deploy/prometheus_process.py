"""Prometheus and promtool, from the package that tools/setup.sh unpacks or from the system."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import requests
import yaml

from monitoring_files import RULES, SOURCE
from server_process import PATIENCE

T = TypeVar("T")

_PACKAGE = SOURCE / ".deps/prometheus/usr/bin"


def program(name: str) -> str:
    found = shutil.which(name, path=str(_PACKAGE)) or shutil.which(name)
    assert found, f"there is no {name}: tools/setup.sh deploy"
    return found


def promtool(*arguments: str, **how) -> subprocess.CompletedProcess:
    """Runs it to its end; what it has to say is in stdout."""
    return subprocess.run(
        [program("promtool"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **how,
    )


def _await(state: Callable[[], T], what: str = "Prometheus") -> T:
    """The state, as soon as there is one."""
    end = time.monotonic() + PATIENCE
    while not (found := state()):
        assert time.monotonic() < end, f"waited for {what}"
        time.sleep(0.1)
    return found


class Prometheus:
    """Scrapes `targets`, addresses by job, each second, and evaluates our rules as often."""

    def __init__(self, folder: Path, targets: dict[str, list[str]]):
        configuration = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": addresses}]}
                for job, addresses in targets.items()
            ],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(configuration))
        self._log = folder / "log"
        command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ]
        with self._log.open("w") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = self._await_address()
            _await(lambda: requests.get(f"http://{address}/-/ready", timeout=PATIENCE).ok)
        except AssertionError:
            self._process.kill()
            raise
        self._url = f"http://{address}/api/v1"

    def _await_address(self) -> str:
        """Where it listens, as its log tells."""

        def line() -> re.Match | None:
            log = self._log.read_text()
            assert self._process.poll() is None, log
            return re.search(r'msg="Listening on" address=(\S+)', log)

        return _await(line)[1]

    def _get(self, page: str, **parameters: str):
        answer = requests.get(f"{self._url}/{page}", params=parameters, timeout=PATIENCE).json()
        assert answer["status"] == "success", (parameters, answer)
        return answer["data"]

    def query(self, expression: str) -> list:
        """The series that it has now; a failure is one of the test's."""
        return self._get("query", query=expression)["result"]

    def rules(self) -> list[dict]:
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def await_series(self, expression: str, count: int = 1) -> None:
        """Returns when the expression has so many series."""
        _await(lambda: len(self.query(expression)) >= count, expression)

    def await_evaluated(self) -> None:
        """Returns when every rule has been evaluated, well or not."""
        _await(lambda: all(rule["health"] != "unknown" for rule in self.rules()))

    def end(self) -> None:
        self._process.terminate()
        assert self._process.wait(PATIENCE) == 0
