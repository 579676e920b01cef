"""Crops to train on, drawn from the gathered pictures and from pictures made up on the spot.

All batches are [B, 3, n, n] in [-1, 1].
"""

import math
import random
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont

from .captions import NOUNS

# Pictures with much of one texture are drawn less often than their size would have it.
WEIGHTS = {"hubble": 0.3, "retina": 0.4, "ihc": 0.5, "brick": 0.4, "grass": 0.4, "gravel": 0.4, "text": 0.2, "camera": 0.6}
MADE_UP_PICTURES = 24
MADE_UP_SHARE = 0.15


def load(path: Path) -> torch.Tensor:
    """A picture as [1, 3, H, W] in [-1, 1]."""
    return _to_tensor(Image.open(path).convert("RGB"))[None].float() / 127.5 - 1


def halve(pictures: torch.Tensor) -> torch.Tensor:
    """Half the size, as bicubic reduction and eight bits a channel leave it: what the model will be given."""
    half = F.interpolate(pictures, scale_factor=0.5, mode="bicubic", antialias=True, align_corners=False)
    return (half.clamp(-1, 1) * 127.5).round() / 127.5


def psnr(picture: torch.Tensor, wanted: torch.Tensor) -> float:
    return -10 * torch.log10(((picture.clamp(-1, 1) - wanted) ** 2).mean() / 4).item()


class Crops:
    """Draws random crops; a picture's chance follows the square root of its area."""

    def __init__(self, folder: Path, seed: int):
        self.rng = random.Random(seed)
        self.pictures, self.weights = [], []
        for path in sorted(folder.glob("*.png")):
            picture = Image.open(path).convert("RGB")
            self.pictures.append(_to_tensor(picture))
            self.weights.append(WEIGHTS.get(path.stem, 1.0) * math.sqrt(picture.width * picture.height))
        if not self.pictures:
            raise SystemExit(f"{folder} has no pictures; run the stage 'pictures' first")
        each = MADE_UP_SHARE * sum(self.weights) / MADE_UP_PICTURES
        for picture in _made_up_pictures(MADE_UP_PICTURES):
            self.pictures.append(_to_tensor(picture))
            self.weights.append(each)

    def batch(self, count: int, side: int) -> torch.Tensor:
        crops = torch.cat([self._crop(side) for _ in range(count)])
        return crops.contiguous(memory_format=torch.channels_last)

    def _crop(self, side: int) -> torch.Tensor:
        rng = self.rng
        picture = self._draw(side)
        window = int(side * rng.choice([1, 1, 1, 1.5, 2]))  # sometimes shrunk: other frequencies
        if window > min(picture.shape[1:]):
            window = side
        y, x = rng.randrange(picture.shape[1] - window + 1), rng.randrange(picture.shape[2] - window + 1)
        crop = picture[:, y:y + window, x:x + window].float()[None] / 127.5 - 1
        if window != side:
            crop = F.interpolate(crop, (side, side), mode="bicubic", antialias=True, align_corners=False)
        if rng.random() < 0.5:
            crop = crop.flip(3)
        if rng.random() < 0.5:
            crop = crop.flip(2)
        if rng.random() < 0.5:
            crop = crop.transpose(2, 3)
        if rng.random() < 0.3:
            crop = crop[:, torch.tensor(rng.sample(range(3), 3))]
        if rng.random() < 0.3:
            offset = torch.tensor([rng.uniform(-0.25, 0.25) for _ in range(3)]).view(1, 3, 1, 1)
            crop = crop * rng.uniform(0.6, 1.15) + offset
        return crop.clamp(-1, 1)

    def _draw(self, side: int) -> torch.Tensor:
        while True:
            picture = self.rng.choices(self.pictures, self.weights)[0]
            if min(picture.shape[1:]) >= side:
                return picture


def _to_tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def _made_up_pictures(count: int) -> list[Image.Image]:
    """Gradients and stripes with shapes and words on them: edges and colours that few photographs have."""
    rng = random.Random(1)
    return [_draw_shapes(_background(rng, striped=i % 3 == 0), rng) for i in range(count)]


def _background(rng: random.Random, striped: bool) -> Image.Image:
    corner, right, below = (np.array(_colour(rng)) for _ in range(3))
    y, x = np.mgrid[0:512, 0:512] / 511.0
    pixels = (corner + (right - corner) * x[..., None] + (below - corner) * y[..., None]).clip(0, 255)
    if striped:
        frequency, angle = rng.uniform(4, 60), rng.uniform(0, 3.14)
        waves = np.sin(2 * np.pi * frequency * (x * math.cos(angle) + y * math.sin(angle)))
        pixels = pixels + 40 * waves[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _draw_shapes(background: Image.Image, rng: random.Random) -> Image.Image:
    # Twice the size, then reduced, so that edges are smooth.
    picture = background.resize((1024, 1024), Image.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randrange(8, 40)):
        points = [rng.randrange(1024) for _ in range(6)]
        (left, right), (top, bottom) = sorted(points[:2]), sorted(points[2:4])
        box = (left, top, right + 3, bottom + 3)
        shape = rng.choice(["ellipse", "rectangle", "line", "polygon", "words"])
        if shape == "ellipse":
            draw.ellipse(box, fill=_colour(rng))
        elif shape == "rectangle":
            draw.rectangle(box, fill=_colour(rng))
        elif shape == "line":
            draw.line(points, fill=_colour(rng), width=rng.randrange(2, 12))
        elif shape == "polygon":
            draw.polygon(points, fill=_colour(rng))
        else:
            words = " ".join(rng.choice(NOUNS) for _ in range(3))
            draw.text(points[:2], words, fill=_colour(rng), font=ImageFont.load_default(rng.randrange(24, 90)))
    return picture.resize((512, 512), Image.LANCZOS)


def _colour(rng: random.Random) -> tuple[int, int, int]:
    return rng.randrange(256), rng.randrange(256), rng.randrange(256)
