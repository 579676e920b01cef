"""Compares the model with its peers, side by side: ours by itself and as the service serves it,
diffusers, and diffusers with torch.compile.

    .deps/peers-venv/bin/python benchmarks/model.py [--checkpoint DIR] [--rounds 5] [SIZE:STEPS ...]
    .deps/peers-venv/bin/python benchmarks/model.py --device cuda:0 [...]

Each is a process of its own that holds the model, and they take turns: in each round every one of
them makes one picture, after one that does not count. What is compared are ratios of medians, all
from the same machine, threads, checkpoint and precision: float32 on a CPU, float16 on a GPU, where
diffusers has its channels last, too, and ours CUDA graphs besides. Without a checkpoint one of the
published model's size is made, with random weights. All hold their model at once, which is 26 GB at
256x256: where there is less, leave some out (--without "ours, served"). Writes benchmarks/results/model.json, or
model-gpu.json. The GPU's part has been run on no device yet.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import machine, memory_mib

SOURCE = Path(__file__).resolve().parents[1]
OURS = SOURCE / "build/release/bin/upscale_bench"
SERVED = SOURCE / "benchmarks/model/served_bench.py"
DIFFUSERS = SOURCE / "benchmarks/model/diffusers_bench.py"
RESULTS = SOURCE / "benchmarks/results"

SIZES = {"cpu": ["128:4", "256:2"], "gpu": ["256:20", "512:20"]}
GRAPHS = "--cuda-graphs=8"


class Rival:
    """A program that makes a picture for each line that it is sent."""

    def __init__(self, name: str, command: list[str]):
        self.name = name
        self.runs: list[dict] = []
        self._command = command

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._pid = self._process.pid  # Of what holds the model.

    def run(self) -> dict:
        print(f"  {self.name}: ", end="", flush=True)
        self._process.stdin.write("run\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended with {self._process.wait()}")
        run = json.loads(line)
        self._pid = run.pop("pid", self._pid)
        print(f"{run['seconds']:.2f} s", flush=True)
        return run

    def peak_mib(self) -> int:
        return round(memory_mib(self._pid, "VmHWM"))

    def end(self) -> None:
        self._process.stdin.close()
        self._process.wait()


def rivals(checkpoint: str, pixels: int, steps: int, where: argparse.Namespace) -> list[Rival]:
    gpu = where.device != "cpu"
    options = [
        f"--model={checkpoint}",
        f"--pixels={pixels}",
        f"--steps={steps}",
        f"--threads={where.threads}",
        f"--device={where.device}",
        f"--dtype={'float16' if gpu else 'float32'}",
    ]
    ours, served = [str(OURS), *options], [sys.executable, str(SERVED), *options]
    diffusers = [sys.executable, str(DIFFUSERS), *options]
    everywhere = [
        Rival("ours", ours),
        Rival("ours, served", served),
        Rival("diffusers", diffusers),
        Rival("diffusers compiled", [*diffusers, "--compile", "--channels-last"]),
    ]
    on_gpus = [
        Rival("ours, with graphs", [*ours, GRAPHS]),
        Rival("ours, with graphs, served", [*served, GRAPHS]),
        Rival("diffusers, channels last", [*diffusers, "--channels-last"]),
    ]
    return everywhere + on_gpus if gpu else everywhere


def compare(checkpoint: str, pixels: int, steps: int, where: argparse.Namespace) -> dict:
    print(f"{pixels}x{pixels}, {steps} steps")
    all_rivals = [
        rival for rival in rivals(checkpoint, pixels, steps, where) if rival.name not in where.without
    ]
    for rival in all_rivals:
        rival.start()
    for rival in all_rivals:
        rival.run()
    for _ in range(where.rounds):
        for rival in all_rivals:
            rival.runs.append(rival.run())
    figures = {}
    for rival in all_rivals:
        seconds = [run["seconds"] for run in rival.runs]
        parts = {
            part: round(statistics.median(run[part] for run in rival.runs), 4)
            for part in rival.runs[0]
            if part != "seconds"
        }
        figures[rival.name] = {
            "median_seconds": round(statistics.median(seconds), 4),
            "least_seconds": round(min(seconds), 4),
            "peak_mib": rival.peak_mib(),
            **({"parts": parts} if parts else {}),
        }
        rival.end()
    ours = figures["ours"]["median_seconds"]
    for name, figure in figures.items():
        figure["times_ours"] = round(figure["median_seconds"] / ours, 2)
    return {"pixels": pixels, "steps": steps, "guidance_scale": 8.0, "rivals": figures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", metavar="SIZE:STEPS")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda:0")
    parser.add_argument("--checkpoint")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--without", action="append", default=[], metavar="RIVAL")
    parser.add_argument("--out", type=Path, help="instead of that file")
    arguments = parser.parse_args()
    kind = "cpu" if arguments.device == "cpu" else "gpu"

    with tempfile.TemporaryDirectory() as folder:
        checkpoint = arguments.checkpoint or folder
        if arguments.checkpoint is None:
            maker = SOURCE / "benchmarks/model/checkpoint.py"
            subprocess.run([sys.executable, str(maker), folder], check=True)
        runs = [
            compare(checkpoint, *map(int, size.split(":")), arguments)
            for size in arguments.sizes or SIZES[kind]
        ]
    result = {
        "machine": machine(),
        "device": arguments.device,
        "threads": arguments.threads,
        "runs": runs,
    }
    file = arguments.out or RESULTS / ("model.json" if kind == "cpu" else "model-gpu.json")
    file.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
