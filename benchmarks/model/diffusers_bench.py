"""Times diffusers as upscale_bench times ours: a run and a line of JSON for each line that comes in.

    .deps/peers-venv/bin/python benchmarks/model/diffusers_bench.py --model DIR [...]
"""

import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # Nothing is fetched from anywhere.

import bench_options  # noqa: E402
import torch  # noqa: E402
from diffusers import StableDiffusionLatentUpscalePipeline  # noqa: E402


def main() -> None:
    parser = bench_options.parser(__doc__)
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    parser.add_argument("--channels-last", action="store_true")
    arguments = parser.parse_args()

    torch.set_num_threads(arguments.threads)
    pipe = StableDiffusionLatentUpscalePipeline.from_pretrained(
        arguments.model, torch_dtype=getattr(torch, arguments.dtype)
    ).to(arguments.device)
    pipe.set_progress_bar_config(disable=True)
    if arguments.channels_last:
        pipe.unet.to(memory_format=torch.channels_last)
        pipe.vae.to(memory_format=torch.channels_last)
    if arguments.compile:
        pipe.unet = torch.compile(pipe.unet)
        pipe.vae.decode = torch.compile(pipe.vae.decode)
    image = bench_options.picture(arguments.pixels)

    for _ in sys.stdin:
        start = time.perf_counter()
        pipe(
            prompt="a sharp, highly detailed photo",
            negative_prompt="",
            image=image,
            num_inference_steps=arguments.steps,
            guidance_scale=arguments.guidance_scale,
            generator=torch.Generator().manual_seed(0),
        )
        print(json.dumps({"seconds": time.perf_counter() - start}), flush=True)


if __name__ == "__main__":
    main()
