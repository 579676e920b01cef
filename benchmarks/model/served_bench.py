"""Times the whole service as upscale_bench times the model: a run and a line of JSON for each line
that comes in. A run is a picture over REST, PNG in base64 in and out.

    .deps/peers-venv/bin/python benchmarks/model/served_bench.py --model DIR [...]
"""

import base64
import io
import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import bench_options

SERVER = Path(__file__).resolve().parents[2] / "build/release/bin/upscaler-server"
LONGEST_RUN = 600


def port_of(server: subprocess.Popen) -> int:
    """Reads the server's log until it is ready."""
    for line in server.stderr:
        entry = json.loads(line)
        if entry["message"] == "ready":
            return entry["rest_port"]
    sys.exit(f"the server ended with {server.wait()}")


def main() -> None:
    parser = bench_options.parser(__doc__)
    parser.add_argument("--cuda-graphs", default="0")
    arguments = parser.parse_args()

    addresses = [f"--{door}-address=127.0.0.1:0" for door in ("grpc", "rest", "admin")]
    server = subprocess.Popen(
        [
            str(SERVER),
            f"--model={arguments.model}",
            f"--model-threads={arguments.threads}",
            f"--devices={arguments.device}",
            f"--dtype={arguments.dtype}",
            f"--cuda-graphs={arguments.cuda_graphs}",
            *addresses,
        ],
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port_of(server)}/v1/images/upscale"
    png = io.BytesIO()
    bench_options.picture(arguments.pixels).save(png, "PNG")
    image = base64.b64encode(png.getvalue()).decode()

    for number, _ in enumerate(sys.stdin):
        wish = {
            "image": image,
            # Others each time: the server would know them and save their encoding.
            "prompt": f"a sharp, highly detailed photo, number {number}",
            "negative_prompt": f"blurry, number {number}",
            "num_inference_steps": arguments.steps,
            "guidance_scale": arguments.guidance_scale,
        }
        request = urllib.request.Request(
            url, json.dumps(wish).encode(), {"Content-Type": "application/json"}
        )
        start = time.perf_counter()
        with urllib.request.urlopen(request, timeout=LONGEST_RUN) as answer:
            base64.b64decode(json.load(answer)["data"][0]["b64_json"])
        seconds = time.perf_counter() - start
        print(json.dumps({"seconds": seconds, "pid": server.pid}), flush=True)
    server.terminate()
    server.wait()


if __name__ == "__main__":
    main()
