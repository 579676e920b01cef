"""Measures what a picture costs a server's device, for scaling_bench.

    .deps/test-venv/bin/python benchmarks/step_costs.py --pixels 128 --out costs.json
    .deps/test-venv/bin/python benchmarks/step_costs.py --pixels 128 --out costs.json -- \\
        --model=DIR --devices=cuda:0 --dtype=float16

Starts the server with the options after `--` (the demo model without any) and sends it pictures of
one size: requests of 1, 2, 4 and 8 pictures, whose steps are taken together as far as the server
finds that this pays. The times are the server's own, from its metrics; every request has a prompt
of its own, so reading it is part of the encoding.
"""

import argparse
import json
import time
from collections.abc import Callable

from prometheus_client.parser import text_string_to_metric_families
import requests

from machine import machine
from service import Client, Server, make_picture

BATCHES = (1, 2, 4, 8)
STEPS = 10  # Of each request.
REQUESTS = 5  # Of each size of batch.


class Totals:
    """Sums and counts of the server's histograms."""

    def __init__(self, server: Server):
        text = requests.get(f"{server.admin_url}/metrics", timeout=60).text
        self._values = {
            (sample.name, sample.labels.get("stage")): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def mean_since(self, before: "Totals", name: str, stage: str | None = None) -> float:
        def grown(what: str) -> float:
            key = (f"upscaler_{name}_{what}", stage)
            return self._values[key] - before._values[key]

        return grown("sum") / grown("count")


def measure(server: Server, upscale: Callable[[int], None]) -> dict:
    costs = {"step_seconds": {}}
    for pictures in BATCHES:
        upscale(pictures)  # The first of a kind sets things up.
        before = Totals(server)
        for _ in range(REQUESTS):
            upscale(pictures)
        after = Totals(server)
        batch = after.mean_since(before, "step_batch_size")
        if batch < 0.95 * pictures:
            print(f"{pictures} pictures share no step: the server takes {batch:.1f} at a time")
            break
        step = after.mean_since(before, "step_duration_seconds")
        costs["step_seconds"][str(pictures)] = round(step, 6)
        print(f"a step of {pictures}: {1000 * step:.1f} ms, {1000 * step / pictures:.1f} ms each")
        if pictures > 1:
            continue
        stage = "stage_duration_seconds"
        encode = sum(after.mean_since(before, stage, part) for part in ("text", "vae_encode"))
        costs["encode_seconds"] = round(encode, 6)
        costs["decode_seconds"] = round(after.mean_since(before, stage, "vae_decode"), 6)
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pixels", type=int, default=128, help="the picture's sides")
    parser.add_argument("--guidance-scale", type=float, default=8)
    parser.add_argument("--device", help="in words, for reports [this machine's processor]")
    parser.add_argument("--out", required=True)
    parser.add_argument("options", nargs="*", metavar="-- OPTIONS", help="of the server")
    arguments = parser.parse_args()

    picture = make_picture(arguments.pixels, arguments.pixels)
    start = time.monotonic()
    with Server(*arguments.options) as server:
        start_seconds = time.monotonic() - start
        client = Client(server)
        prompts = 0

        def upscale(pictures: int) -> None:
            nonlocal prompts
            prompts += 1
            client.upscale_unary(
                picture,
                prompt=f"photograph number {prompts}",
                n=pictures,
                num_inference_steps=STEPS,
                guidance_scale=arguments.guidance_scale,
            )

        costs = measure(server, upscale)
    cpu = machine()
    device = arguments.device or f"{cpu['cores']} cores of {cpu['cpu']}"
    result = {
        "device": device,
        "pixels": arguments.pixels,
        "options": arguments.options,
        "start_seconds": round(start_seconds, 3),
        **costs,
    }
    with open(arguments.out, "w") as file:
        file.write(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
