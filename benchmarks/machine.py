"""What benchmarks say of the machine that they run on, and of processes."""

import os
from pathlib import Path


def machine() -> dict:
    model = next(
        line.split(":", 1)[1].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    return {"cpu": model, "cores": os.cpu_count()}


def memory_mib(pid: int, field: str) -> float:
    """Of a process, by the field's name in /proc/PID/status: VmRSS, VmHWM, ..."""
    status = Path(f"/proc/{pid}/status").read_text()
    fields = dict(line.split(":", 1) for line in status.splitlines())
    return int(fields[field].split()[0]) / 1024
