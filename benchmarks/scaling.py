"""How many servers: runs scaling_bench many times.

    python3 benchmarks/scaling.py plan --costs costs.json --steps 20 --p95 2 5 --per-minute 60 600
    python3 benchmarks/scaling.py report [NAME ...]

`plan` prints how many servers it takes for so many pictures a minute with the 95th percentile of
latency below so many seconds. `report` runs what docs/scaling.md shows, or parts of it by the names
of the functions below, and writes benchmarks/results/scaling.json. Time is simulated: the same
costs give the same figures everywhere.
"""

import argparse
import json
import math
import os
import subprocess
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]
BIN = Path(os.environ.get("UPSCALER_BIN_DIR", SOURCE / "build/release/bin"))
RESULTS = SOURCE / "benchmarks/results/scaling.json"
COSTS = SOURCE / "benchmarks/scaling/costs"

MAX_BATCH = 8  # The server's default.
DAY = 86_400


class Device:
    """What pictures of so many steps cost."""

    def __init__(self, costs: Path, steps: int):
        self._path = costs
        self._steps = steps
        self._costs = json.loads(costs.read_text())

    def capacity(self, max_batch: int = MAX_BATCH) -> float:
        """Pictures a second at most."""
        batches = {int(pictures): time for pictures, time in self._costs["step_seconds"].items()}
        step = min(time / batch for batch, time in batches.items() if batch <= max_batch)
        fixed = self._costs["encode_seconds"] + self._costs["decode_seconds"]
        return 1 / (fixed + self._steps * step)

    def alone(self) -> float:
        """Seconds of a picture that has a device for itself."""
        return 1 / self.capacity(max_batch=1)

    def run(self, **options) -> dict:
        """One simulation, by the options of scaling_bench."""
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        command = [str(BIN / "scaling_bench"), f"--costs={self._path}", f"--steps={self._steps}"]
        done = subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    def keeps(self, p95: float, rate: float, servers: int) -> bool:
        """Whether so many servers answer everybody in time."""
        if rate >= servers * self.capacity():
            return False
        result = self.run(rate=rate, servers=servers)
        return result["refusals"] == 0 and result["latency"]["p95"] <= p95

    def servers_for(self, p95: float, rate: float) -> int | None:
        """The fewest that do; none do where a picture alone takes longer."""
        if p95 < self.alone():
            return None
        servers = math.ceil(rate / self.capacity())
        while not self.keeps(p95, rate, servers):
            servers += 1
        return servers

    def load_for(self, p95: float, servers: int) -> float:
        """The highest load at which so many do, as a part of their capacity."""
        low, high = 0.0, 1.0
        while high - low > 0.01:
            load = (low + high) / 2
            if self.keeps(p95, load * servers * self.capacity(), servers):
                low = load
            else:
                high = load
        return low


# Nothing stands behind the first but its two numbers: it shows what batching does. The others
# were measured.
AS_IF = "as if"
DEVICES = {
    AS_IF: Device(COSTS / "as-if.json", steps=20),
    "CPU, published size": Device(COSTS / "cpu-128.json", steps=4),
    "CPU, demo model": Device(COSTS / "cpu-demo-64.json", steps=20),
}


# Of the autoscaler. What comes at most takes 4.1 servers to be done at all.
BOUNDS = {"servers": 2, "most_servers": 12}


def short(result: dict) -> dict:
    """What reports keep of a run."""
    latency = result["latency"]
    return {
        **{name: round(latency[name], 4) for name in ("mean", "p50", "p95", "p99")},
        "wait_p95": round(result["wait"]["p95"], 4),
        "rows_per_server": round(result["rows_per_server"], 2),
        "refused": round(result["refusals"] / result["pictures"], 4),
        "given_up": round(result["given_up"] / result["pictures"], 4),
        "server_hours": round(result["server_hours"], 2),
    }


def load() -> list:
    """Latency against load, of 1, 2, 4 and 8 servers."""
    points = []
    for name in (AS_IF, "CPU, published size"):
        device = DEVICES[name]
        for servers in (1, 2, 4, 8):
            for part in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95):
                result = device.run(rate=part * servers * device.capacity(), servers=servers)
                points.append(
                    {
                        "device": name,
                        "alone": device.alone(),
                        "servers": servers,
                        "load": part,
                        **short(result),
                    }
                )
    return points


def need() -> list:
    """The highest load at which servers keep a bound, which is so many times a picture alone."""
    return [
        {
            "device": name,
            "capacity_per_minute": 60 * device.capacity(),
            "alone": device.alone(),
            "times_alone": times,
            "p95": times * device.alone(),
            "servers": servers,
            "load": device.load_for(times * device.alone(), servers),
        }
        for name, device in DEVICES.items()
        for times in (2, 3, 5, 10)
        for servers in (1, 2, 4, 8, 16)
    ]


def batching() -> list:
    """Latency against pictures a second, by the pictures that may share a step; one server."""
    device = DEVICES[AS_IF]
    return [
        {
            "max_batch": batch,
            "capacity": device.capacity(batch),
            "rate": rate,
            **short(device.run(rate=rate, max_batch=batch)),
        }
        for batch in (1, 2, 4, 8)
        for rate in (0.5, 1, 2, 3, 4, 4.5, 5, 5.5, 6, 6.5, 7, 7.5, 8, 8.5, 9)
        if rate < 0.97 * device.capacity(batch)
    ]


def devices() -> list:
    """The same four devices as four servers, two or one."""
    device = DEVICES[AS_IF]
    return [
        {
            "servers": servers,
            "devices": 4 // servers,
            "load": part,
            **short(
                device.run(
                    rate=part * 4 * device.capacity(),
                    servers=servers,
                    devices=4 // servers,
                    queue_capacity=64 * 4 // servers,
                )
            ),
        }
        for servers in (4, 2, 1)
        for part in (0.3, 0.5, 0.7, 0.8, 0.9)
    ]


def queue() -> list:
    """What the queue's capacity does, below what a server can do and above it."""
    device = DEVICES[AS_IF]
    return [
        {
            "queue_capacity": capacity,
            "load": part,
            **short(device.run(rate=part * device.capacity(), queue_capacity=capacity)),
        }
        for part in (0.8, 1.3)
        for capacity in (4, 8, 16, 32, 64, 128, 256)
    ]


def target() -> list:
    """Three hours of what 4.1 servers do at most, after a slow beginning, by target and pace."""
    runs = []
    for name in (AS_IF, "CPU, published size"):
        device = DEVICES[name]
        high = 4.1 * device.capacity()
        for pace in ("deployed", "kubernetes"):
            for rows in (0.5, 1, 2, 4, 8, 16):
                result = device.run(
                    rates=f"0:{high / 4},7200:{high},18000:{high}",
                    window=10_800,
                    target=rows,
                    pace=pace,
                    start_seconds=60,
                    **BOUNDS,
                )
                # The first window has the beginning.
                steady = result["windows"][1]
                runs.append(
                    {
                        "device": name,
                        "pace": pace,
                        "target": rows,
                        "ready": round(steady["ready"], 2),
                        "most_ready": steady["most_ready"],
                        "p50": round(steady["latency"]["p50"], 3),
                        "p95": round(steady["latency"]["p95"], 3),
                        "p99": round(steady["latency"]["p99"], 3),
                        "refused": round(steady["refusals"] / steady["pictures"], 4),
                        "given_up": round(steady["given_up"] / steady["pictures"], 4),
                    }
                )
    return runs


def day_rates() -> str:
    """From 2 pictures a second at four in the morning to 40 at four in the afternoon."""

    def rate(second: int) -> float:
        wave = 0.5 - 0.5 * math.cos(2 * math.pi * (second / DAY - 4 / 24))
        return 2 + 38 * wave**1.5

    return ",".join(f"{second}:{rate(second):.3f}" for second in range(0, DAY + 1, 900))


def day() -> list:
    """A day, by target and pace; and by as many servers as its peak needs."""
    device = DEVICES[AS_IF]
    runs = []
    for name, options in {
        "6 servers": {"servers": 6},
        "target 4": {"target": 4, **BOUNDS},
        "target 8": {"target": 8, **BOUNDS},
        "target 4, Kubernetes' pace": {"target": 4, "pace": "kubernetes", **BOUNDS},
    }.items():
        result = device.run(rates=day_rates(), window=300, **options)
        windows = [
            {
                "at": window["at"],
                "rate": window["pictures"] / 300,
                "ready": round(window["ready"], 2),
                "wait_p95": round(window["wait"]["p95"], 4),
                "latency_p95": round(window["latency"]["p95"], 4),
                "refusals": window["refusals"],
            }
            for window in result["windows"]
            if window["pictures"] > 0 and window["latency"]
        ]
        runs.append({"name": name, **short(result), "windows": windows})
    return runs


def jump(**options) -> dict:
    """The load goes from 10 a second to 40 at once: the quarter of an hour after that."""
    result = DEVICES[AS_IF].run(rates="0:10,1800:10,1801:40,3600:40", window=900, **options)
    after = result["windows"][2]
    return {
        **options,
        "p50": round(after["latency"]["p50"], 3),
        "p95": round(after["latency"]["p95"], 3),
        "refused": round(after["refusals"] / after["pictures"], 4),
        "given_up": round(after["given_up"] / after["pictures"], 4),
        "most_ready": after["most_ready"],
        "server_hours": round(result["server_hours"], 2),
    }


def start() -> list:
    """After a jump, by how long servers take to start and the target."""
    return [
        jump(target=rows, start_seconds=seconds, **BOUNDS)
        for rows in (2, 4)
        for seconds in (5, 30, 60, 180, 600)
    ]


def bound() -> list:
    """After a jump, by how many servers there may be."""
    return [
        jump(target=4, start_seconds=180, servers=2, most_servers=most)
        for most in (6, 8, 12, 24, 100)
    ]


REPORTS = (load, need, batching, devices, queue, target, day, start, bound)


def report(names: list[str]) -> None:
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for function in REPORTS:
        if names and function.__name__ not in names:
            continue
        print(f"== {function.__name__}", flush=True)
        results[function.__name__] = function()
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")


def plan(arguments: argparse.Namespace) -> None:
    device = Device(arguments.costs, arguments.steps)
    print(f"A picture alone takes {device.alone():.2f} s; ", end="")
    print(f"a server does {60 * device.capacity():.1f} a minute at most.\n")
    bounds = [f"p95 below {bound:g} s" for bound in arguments.p95]
    print("| pictures a minute |", " | ".join(bounds), "|")
    print("|---" * (1 + len(bounds)) + "|")
    for pictures in arguments.per_minute:
        servers = [device.servers_for(bound, pictures / 60) for bound in arguments.p95]
        cells = ["cannot be" if number is None else str(number) for number in servers]
        print(f"| {pictures:g} |", " | ".join(cells), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    planning = commands.add_parser("plan")
    planning.add_argument("--costs", type=Path, required=True, help="see step_costs.py")
    planning.add_argument("--steps", type=int, default=20, help="denoising steps of a picture")
    planning.add_argument("--p95", type=float, nargs="+", required=True, help="seconds")
    planning.add_argument("--per-minute", type=float, nargs="+", required=True, help="pictures")
    reporting = commands.add_parser("report")
    reporting.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_args()
    if arguments.command == "plan":
        plan(arguments)
    else:
        report(arguments.names)


if __name__ == "__main__":
    main()
