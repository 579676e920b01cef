"""One run of upscaler-server, from its start to its exit code."""

import itertools
import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("UPSCALER_BIN_DIR", SOURCE / "build/release/bin"))
DEMO_MODEL = SOURCE / "checkpoints/demo"

# Long enough for a busy machine; nothing waits this long that goes well.
PATIENCE = 60

END_OF_LOG = "end of log"

# Settings of whoever runs the tests are not the tests'.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("UPSCALER_")}


def command_line(*options: str) -> list[str]:
    """The server with the demo model at free ports, unless `options` say otherwise."""
    defaults = [f"--model={DEMO_MODEL}"]
    defaults += [f"--{door}-address=127.0.0.1:0" for door in ("grpc", "rest", "admin")]
    given = {option.partition("=")[0] for option in options}
    kept = [option for option in defaults if option.partition("=")[0] not in given]
    return [str(BIN / "upscaler-server"), *kept, *options]


class ServerProcess:
    """A server that is ready when the constructor returns."""

    def __init__(self, *options: str):
        self._process = subprocess.Popen(
            command_line(*options), stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
        )
        self._told_to_end = False
        self.log: list[dict] = []
        self._logged = threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            ready = self.await_log("ready")
        except AssertionError:
            self._process.kill()
            raise
        self.grpc_address = f"127.0.0.1:{ready['grpc_port']}"
        self.rest_port = ready["rest_port"]
        self.rest_url = f"http://127.0.0.1:{self.rest_port}"
        self.admin_url = f"http://127.0.0.1:{ready['admin_port']}"

    def _read_log(self) -> None:
        for line in itertools.chain(self._process.stderr, [END_OF_LOG]):
            # A process that dies may say so in words of its own.
            entry = json.loads(line) if line.startswith("{") else {"message": line.strip()}
            with self._logged:
                self.log.append(entry)
                self._logged.notify_all()

    def await_log(self, message: str) -> dict:
        """The first line with that message, as soon as it is there."""

        def line_or_end() -> list[dict]:
            return [line for line in self.log if line["message"] in (message, END_OF_LOG)]

        with self._logged:
            self._logged.wait_for(line_or_end, timeout=PATIENCE)
            found = line_or_end()
        assert found and found[0]["message"] == message, f"no '{message}' in {self.log}"
        return found[0]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name whose labels include `labels`; 0 without any."""
        text = requests.get(f"{self.admin_url}/metrics", timeout=PATIENCE).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def await_metric(self, name: str, at_least: float, **labels: str) -> None:
        """Returns when a counter has come so far: the way to see what the server is at."""
        end = time.monotonic() + PATIENCE
        while (value := self.metric(name, **labels)) < at_least:
            assert time.monotonic() < end, f"{name}{labels} is {value}, wanted {at_least}"
            time.sleep(0.01)

    def end(self) -> None:
        """Tells the server to end, without waiting. Once: a second signal would kill it."""
        if not self._told_to_end:
            self._told_to_end = True
            self._process.send_signal(signal.SIGTERM)

    def check_exit(self) -> None:
        """Waits until the server has ended, which must go well."""
        try:
            code = self._process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        assert code == 0, f"the server's exit code is {code}; its log: {self.log}"
