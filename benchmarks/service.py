"""Measures the service around the model: its overhead, under overload, and batches of eight.

    .deps/test-venv/bin/python benchmarks/service.py [overhead|overload|eight ...]

Without names all are run. Each writes benchmarks/results/NAME.json. The servers are the
real programs; in the first two the model is a stand-in that only lets time pass
(upscaler-delay-server). Server and client share the machine.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
sys.path.append(str(SOURCE / "tests/integration"))

from client import Client  # noqa: E402
from pictures import make_picture  # noqa: E402
from server_process import BIN, DELAY_SERVER, command_line  # noqa: E402

RESULTS = SOURCE / "benchmarks/results"


class Server:
    """A server from `with` to its end. It logs into a file: a pipe's reader would compete with it."""

    def __init__(self, *options: str, program: str = "upscaler-server"):
        self._log = tempfile.NamedTemporaryFile()
        self._process = subprocess.Popen(
            command_line(*options, program=program), stderr=self._log
        )
        self.pid = self._process.pid
        ready = self._await_ready()
        self.grpc_address = f"127.0.0.1:{ready['grpc_port']}"
        self.rest_port = ready["rest_port"]
        self.rest_url = f"http://127.0.0.1:{self.rest_port}"

    def _await_ready(self) -> dict:
        while self._process.poll() is None:
            for line in Path(self._log.name).read_text().splitlines():
                entry = json.loads(line)
                if entry["message"] == "ready":
                    return entry
            time.sleep(0.1)
        raise SystemExit(f"the server did not start: {Path(self._log.name).read_text()}")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()


def load(server: Server, way: str, picture: Path, *options: str) -> dict:
    """One run of upscaler-load."""
    door = f"--grpc={server.grpc_address}" if way == "grpc" else f"--rest={server.rest_port}"
    command = [str(BIN / "upscaler-load"), door, f"--picture={picture}", *options]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def resident_mib(server: Server) -> float:
    status = Path(f"/proc/{server.pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields["VmRSS"].split()[0]) / 1024


def machine() -> dict:
    model = next(
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return {"cpu": model, "cores": os.cpu_count()}


def overhead(picture: Path) -> dict:
    """What a request costs when the model costs nothing."""
    with Server(program=DELAY_SERVER) as server:
        runs = []
        for way in ("grpc", "rest"):
            for concurrency in (1, 16):
                result = load(
                    server, way, picture, "--requests=20000", f"--concurrency={concurrency}"
                )
                runs.append({"way": way, "concurrency": concurrency, **result})
                print(way, concurrency, result["answer_ms"], round(result["answers_per_second"]))
        return {"picture_bytes": picture.stat().st_size, "runs": runs}


def overload(picture: Path) -> dict:
    """Goodput, refusals and memory as the load grows to ten times what can be done."""
    capacity = 100  # A second: two steps of 5 ms, one row at a time.
    options = ("--step-ms=5", "--batching=none", "--queue-capacity=64")
    with Server(*options, program=DELAY_SERVER) as server:
        runs = []
        for factor in (1, 2, 5, 10):
            result = load(
                server, "grpc", picture, "--steps=2", f"--rate={factor * capacity}", "--seconds=15"
            )
            result["resident_mib"] = resident_mib(server)
            runs.append({"load": factor, **result})
            print(factor, round(result["answers_per_second"], 1), result["refusal_ms"])
        return {"capacity_per_second": capacity, "queue_capacity": 64, "runs": runs}


def eight(picture: Path) -> dict:
    """Eight requests at once on the demo model, against the same eight one by one."""
    sizes = {}
    with Server() as server:
        client = Client(server)
        for side in (64, 128):
            encoded = make_picture(side, side)

            def upscale(number: int, prompts: str) -> None:
                prompt = "a photograph" if prompts == "same" else f"photograph number {number}"
                client.upscale_unary(encoded, prompt=prompt, seed=number, num_inference_steps=10)

            def seconds(workers: int, prompts: str) -> float:
                start = time.monotonic()
                with ThreadPoolExecutor(workers) as pool:
                    list(pool.map(lambda number: upscale(number, prompts), range(8)))
                return time.monotonic() - start

            runs = {"one by one": [], "same prompt": [], "different prompts": []}
            seconds(8, "same")  # Warms up this size.
            for _ in range(3):  # Alternating, since the machine is not always equally fast.
                runs["one by one"].append(seconds(1, "same"))
                runs["same prompt"].append(seconds(8, "same"))
                runs["different prompts"].append(seconds(8, "different"))
            sizes[side] = {
                "seconds": runs,
                "speedup": {
                    name: min(runs["one by one"]) / min(times) for name, times in runs.items()
                },
            }
            print(side, sizes[side]["speedup"])
        return {"steps": 10, "sizes": sizes}


def main() -> None:
    benchmarks = {"overhead": overhead, "overload": overload, "eight": eight}
    picture = SOURCE / "benchmarks/results/picture.png"
    RESULTS.mkdir(exist_ok=True)
    picture.write_bytes(make_picture(16, 16))
    for name in sys.argv[1:] or benchmarks:
        print(f"== {name}")
        result = {"machine": machine(), **benchmarks[name](picture)}
        (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    picture.unlink()


if __name__ == "__main__":
    main()
