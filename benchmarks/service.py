"""Measures the service around the model.

    .deps/test-venv/bin/python benchmarks/service.py [NAME ...]

The names are those of the functions below, which say what each measures; without any all
are run. Each writes benchmarks/results/NAME.json. The servers are the real programs; in all
but the last the model is a stand-in that only lets time pass (upscaler-delay-server).
Server and client share the machine.
"""

import io
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
from PIL import Image

from machine import machine, memory_mib

SOURCE = Path(__file__).resolve().parents[1]
sys.path.append(str(SOURCE / "tests/integration"))

from client import Client, stream_requests  # noqa: E402
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
        self.admin_url = f"http://127.0.0.1:{ready['admin_port']}"
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


def admitted_rows(server: Server) -> float:
    text = requests.get(f"{server.admin_url}/metrics", timeout=10).text
    line = next(line for line in text.splitlines() if line.startswith("upscaler_rows_admitted "))
    return float(line.split()[1])


def resident_mib(server: Server) -> float:
    return memory_mib(server.pid, "VmRSS")


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


def hangup(picture: Path) -> dict:
    """How long after its client has closed the socket a request still holds its place."""
    step_ms = 100
    with Server(f"--step-ms={step_ms}", program=DELAY_SERVER) as server:
        ways = {}
        for way, stream in (("plain", "false"), ("events", "true")):
            ways[way] = []
            for _ in range(30):
                with socket.create_connection(("127.0.0.1", server.rest_port)) as client:
                    request = requests.Request(
                        "POST",
                        f"{server.rest_url}/v1/images/upscale",
                        files={"image": picture.read_bytes()},
                        data={"num_inference_steps": "200", "stream": stream},
                    ).prepare()
                    lines = [f"{name}: {value}" for name, value in request.headers.items()]
                    head = ["POST /v1/images/upscale HTTP/1.1", "Host: here", *lines, "", ""]
                    client.sendall("\r\n".join(head).encode() + request.body)
                    while admitted_rows(server) == 0:
                        continue
                    time.sleep(random.uniform(0.1, 0.3))  # Any moment of a step.
                start = time.monotonic()
                while admitted_rows(server) > 0:
                    continue
                ways[way].append(1000 * (time.monotonic() - start))
            print(way, f"at most {max(ways[way]):.0f} ms, a step being {step_ms} ms")
        return {"step_ms": step_ms, "freed_after_ms": ways}


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


# One process, so that the many clients do not compete with each other for Python's lock.
CROWD = """
import asyncio, sys

async def main(port, idle, slow):
    keep = [await asyncio.open_connection("127.0.0.1", port) for _ in range(idle)]
    head = (b"POST /v1/images/upscale HTTP/1.1\\r\\nHost: here\\r\\nContent-Length: 1000000\\r\\n"
            b"Content-Type: multipart/form-data; boundary=b\\r\\n\\r\\n--b\\r\\n"
            b'Content-Disposition: form-data; name="image"; filename="a"\\r\\n\\r\\n')
    async def trickle():
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head)
        while True:
            writer.write(b"x")
            await asyncio.sleep(0.1)
    senders = [asyncio.create_task(trickle()) for _ in range(slow)]
    await asyncio.sleep(1)
    print("there", flush=True)
    await asyncio.gather(*senders, asyncio.sleep(3600))

asyncio.run(main(*map(int, sys.argv[1:])))
"""


class Crowd:
    """Clients that do nothing, and clients that send ten bytes a second, from `with` to its end."""

    def __init__(self, server: Server, idle: int, slow: int):
        command = [sys.executable, "-c", CROWD, str(server.rest_port), str(idle), str(slow)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        if self._process.stdout.readline() != "there\n":
            raise SystemExit("the idle clients could not connect; see ulimit -n")

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()


def connections(picture: Path) -> dict:
    """The latency of REST alone, and beside 2,000 idle connections and 200 slow senders."""
    idle, slow = 2000, 200
    options = ("--requests=5000", "--concurrency=4")
    with Server("--stall-seconds=600", program=DELAY_SERVER) as server:
        load(server, "rest", picture, *options)  # Warms up.
        runs = {"alone": [], "crowded": []}
        for _ in range(5):  # Alternating, since the machine is not always equally fast.
            runs["alone"].append(load(server, "rest", picture, *options)["answer_ms"])
            with Crowd(server, idle, slow):
                runs["crowded"].append(load(server, "rest", picture, *options)["answer_ms"])
                threads = len(list(Path(f"/proc/{server.pid}/task").iterdir()))
        median = {
            name: {key: sorted(run[key] for run in of)[len(of) // 2] for key in ("p50", "p99")}
            for name, of in runs.items()
        }
        ratio = {key: median["crowded"][key] / median["alone"][key] for key in ("p50", "p99")}
        print(median, ratio, f"{threads} threads", f"{resident_mib(server):.0f} MiB")
        return {
            "idle": idle,
            "slow": slow,
            "runs": runs,
            "median": median,
            "ratio": ratio,
            "threads": threads,
            "resident_mib": resident_mib(server),
        }


def large(picture: Path) -> dict:
    """A picture of 8192x8192 on the demo model, in one step: how much memory, and how it is told."""
    side = 8192
    photograph = Image.open(SOURCE / "docs/pictures/coffee.png").convert("RGB")
    file = io.BytesIO()
    photograph.resize((side, side), Image.BICUBIC).save(file, "JPEG", quality=95)
    with Server() as server:
        before = resident_mib(server)
        start = time.monotonic()
        told, answer_bytes = [], 0
        options = {"num_inference_steps": 1, "guidance_scale": 1, "seed": 1}
        for event in Client(server).stub.UpscaleStream(stream_requests(file.getvalue(), **options)):
            if event.HasField("accepted"):
                tiles = event.accepted.tile_count
            if event.HasField("progress"):
                told.append((event.progress.phase, event.progress.fraction))
            if event.HasField("image_chunk"):
                answer_bytes += len(event.image_chunk.data)
        result = {
            "side": side,
            "input_bytes": len(file.getvalue()),
            "answer_bytes": answer_bytes,
            "tiles": tiles,
            "seconds": time.monotonic() - start,
            "resident_mib_before": before,
            "peak_resident_mib": memory_mib(server.pid, "VmHWM"),
            "progress_events": len(told),
        }
        print(result)
        return result


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


def fleet(picture: Path) -> dict:
    """Two servers that take turns, and what scaling_bench says of the same requests."""
    steps, seconds = 10, 120
    costs = {
        "device": "upscaler-delay-server",
        "encode_seconds": 0.01,
        "decode_seconds": 0,
        "step_seconds": {"1": 0.025, "2": 0.03, "4": 0.04, "8": 0.06},
    }
    options = ("--encode-ms=10", "--step-ms=20", "--step-ms-per-row=5", "--stall-seconds=600")
    runs = []
    with (
        Server(*options, program=DELAY_SERVER) as first,
        Server(*options, program=DELAY_SERVER) as second,
        tempfile.NamedTemporaryFile("w", suffix=".json") as file,
    ):
        file.write(json.dumps(costs))
        file.flush()
        both = f"ipv4:{first.grpc_address},{second.grpc_address}"
        for rate in (4, 10, 16, 20):
            told = [f"--grpc={both}", f"--picture={picture}", f"--steps={steps}"]
            command = [str(BIN / "upscaler-load"), *told, f"--rate={rate}", f"--seconds={seconds}"]
            real = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            told = [f"--costs={file.name}", f"--steps={steps}", "--servers=2"]
            command = [str(BIN / "scaling_bench"), *told, f"--rates=0:{rate},{seconds}:{rate}"]
            simulated = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            keys = ("mean", "p50", "p95", "p99")
            run = {
                "rate": rate,
                "pictures": simulated["pictures"],
                "real_ms": {key: real["answer_ms"][key] for key in keys},
                "simulated_ms": {key: 1000 * simulated["latency"][key] for key in keys},
            }
            runs.append(run)
            print(run)
        return {"servers": 2, "steps": steps, "costs": costs, "runs": runs}


def main() -> None:
    benchmarks = {
        "overhead": overhead,
        "connections": connections,
        "hangup": hangup,
        "overload": overload,
        "large": large,
        "eight": eight,
        "fleet": fleet,
    }
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
