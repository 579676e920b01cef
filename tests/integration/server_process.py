"""One run of a server, from its start to its exit code."""

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
from prometheus_client.samples import Sample

SOURCE = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("UPSCALER_BIN_DIR", SOURCE / "build/release/bin"))
DEMO_MODEL = SOURCE / "checkpoints/demo"

# Long enough for a busy machine; nothing waits this long that goes well.
PATIENCE = 60

END_OF_LOG = "end of log"

# The same server around a stand-in for the model, which takes as long as it is told to.
DELAY_SERVER = "upscaler-delay-server"

# The gateway as a process of its own.
GATEWAY = "upscaler-gateway"

# Settings of whoever runs the tests are not the tests'.
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("UPSCALER_")}


def command_line(*options: str, program: str = "upscaler-server") -> list[str]:
    """The program at free ports, a server with the demo model, unless `options` say otherwise."""
    doors = ["rest", "admin"] if program == GATEWAY else ["grpc", "rest", "admin"]
    defaults = [f"--{door}-address=127.0.0.1:0" for door in doors]
    defaults += [] if program == GATEWAY else [f"--model={DEMO_MODEL}"]
    given = {option.partition("=")[0] for option in options}
    kept = [option for option in defaults if option.partition("=")[0] not in given]
    return [str(BIN / program), *kept, *options]


class ServerProcess:
    """A server that has logged `awaited` when the constructor returns."""

    def __init__(self, *options: str, program: str = "upscaler-server", awaited: str = "ready"):
        self._process = subprocess.Popen(
            command_line(*options, program=program),
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
        )
        self._told_to_end = False
        self._exit_code = 0
        self.pid = self._process.pid
        self.log: list[dict] = []
        self._logged = threading.Condition()
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        try:
            line = self.await_log(awaited)
        except AssertionError:
            self._process.kill()
            raise
        if "rest_port" not in line:
            return
        self.grpc_address = f"127.0.0.1:{line.get('grpc_port')}"
        self.rest_port = line["rest_port"]
        self.rest_url = f"http://127.0.0.1:{self.rest_port}"
        self.admin_url = f"http://127.0.0.1:{line['admin_port']}"

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

    def await_logged(self, **fields: str) -> None:
        """Returns when a line with these fields is there."""
        with self._logged:
            found = self._logged.wait_for(
                lambda: any(fields.items() <= line.items() for line in self.log), timeout=PATIENCE
            )
        assert found, f"no line with {fields} in {self.log}"

    def scrape(self) -> list[Sample]:
        """Every sample of every metric, as of one moment."""
        text = requests.get(f"{self.admin_url}/metrics", timeout=PATIENCE).text
        families = text_string_to_metric_families(text)
        return [sample for family in families for sample in family.samples]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name whose labels include `labels`; 0 without any."""
        return total(self.scrape(), name, **labels)

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

    def kill(self) -> None:
        """Ends it without a word, as a machine does that fails."""
        self._told_to_end = True
        self.expect_exit(-signal.SIGKILL)
        self._process.kill()

    def end_at_once(self) -> None:
        """Tells the server to end a second time."""
        assert self._told_to_end
        self.expect_exit(128 + signal.SIGTERM)
        self._process.send_signal(signal.SIGTERM)

    def expect_exit(self, code: int) -> None:
        """The server's exit code will be this, and not 0."""
        self._exit_code = code

    def check_exit(self, timeout: float = PATIENCE) -> None:
        """Waits until the server has ended, which must be with the code that is expected."""
        try:
            code = self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        assert code == self._exit_code, f"the server's exit code is {code}; its log: {self.log}"


def total(samples: list[Sample], name: str, **labels: str) -> float:
    """The sum of the samples of that name whose labels include `labels`; 0 without any."""
    return sum(
        sample.value
        for sample in samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
