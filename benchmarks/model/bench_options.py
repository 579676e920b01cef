"""What the benchmarks of the model in Python are told, as upscale_bench is, and what they enlarge."""

import argparse

import numpy as np
from PIL import Image


def parser(description: str) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--model", required=True)
    options.add_argument("--pixels", type=int, default=128)
    options.add_argument("--steps", type=int, default=4)
    options.add_argument("--guidance-scale", type=float, default=8.0)
    options.add_argument("--threads", type=int, default=2)
    options.add_argument("--device", default="cpu")
    options.add_argument("--dtype", default="float32")
    return options


def picture(pixels: int) -> Image.Image:
    """Noise, always the same."""
    shape = (pixels, pixels, 3)
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, np.uint8))
