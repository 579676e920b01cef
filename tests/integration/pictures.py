"""Pictures to send, and what came back."""

import io

import numpy as np
from PIL import Image


def make_picture(width: int = 64, height: int = 64) -> bytes:
    """A PNG with something to see in it, the same each time."""
    x, y = np.meshgrid(np.linspace(0, 255, width), np.linspace(0, 255, height))
    circles = 127.5 + 127.5 * np.sin(np.hypot(x - 80, y - 128) / 16)
    array = np.stack([x, y, circles], axis=-1)
    file = io.BytesIO()
    Image.fromarray(array.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def make_noise(width: int, height: int) -> bytes:
    """A PNG that cannot be made smaller, the same each time."""
    array = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


# The smallest picture that the stand-in for the model takes as it is. What these cost is
# known from the start.
SMALL = make_picture(16, 16)


def to_array(file: bytes) -> np.ndarray:
    """[height, width, 3] of the picture's bytes, whatever its format."""
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def largest_difference(first: np.ndarray, second: np.ndarray) -> int:
    """In levels of 255."""
    assert first.shape == second.shape
    return int(np.abs(first.astype(int) - second.astype(int)).max())
