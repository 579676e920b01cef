"""Gathers the pictures to train on and to measure with, out of packages whose licences are stated.

Wallpapers come from the Debian package lomiri-wallpapers-16.04, the rest from data that scikit-image,
scikit-learn and the scipy 1.10.1 wheel carry. Photographers and terms stand in README.md.
"""

import bz2
from pathlib import Path

import numpy as np
from PIL import Image

# name: (file, the longest side it is reduced to)
WALLPAPERS = {
    "picture0b": ("Picture_0B_by_freespace.jpg", 1286),
    "picture1a": ("Picture_1A_by_freespace.jpg", 1000),
    "wine": ("Wine_by_Jakkub_Mede.jpg", 1600),
    "aitzgorri": ("aitzgorri_by_Aitzol_Berasategi.jpg", 1300),
    "friends": ("friends_by_Aitzol_Berasategi.jpg", 1300),
    "life": ("life_by_Aitzol_Berasategi.jpg", 1500),
    "sunset": ("sunset_by_Aitzol_Berasategi.jpg", 1400),
    "seeding": ("seeding_by_Clements_Engelhardt.jpg", 1400),
}
SCIKIT_IMAGE = {
    "hubble": ("hubble_deep_field.jpg", 1000), "retina": ("retina.jpg", 700), "ihc": ("ihc.png", 512),
    "brick": ("brick.png", 512), "grass": ("grass.png", 512), "gravel": ("gravel.png", 512),
    "text": ("text.png", 448), "rocket": ("rocket.jpg", 640), "camera": ("camera.png", 512),
}
HELD_OUT = {"astronaut": ("astronaut.png", 512), "chelsea": ("chelsea.png", 512), "coffee": ("coffee.png", 600)}
HELD_OUT_WALLPAPER = ("picosdeeuropa_by_Aitzol_Berasategi.jpg", 1200)


def gather_pictures(backgrounds: Path, site_packages: Path, out: Path) -> None:
    """Writes <out>/train/*.png and <out>/eval/*.png.

    <backgrounds> is the package's folder usr/share/backgrounds, <site_packages> holds skimage/, sklearn/ and scipy/.
    """
    skimage, sklearn = site_packages / "skimage/data", site_packages / "sklearn/datasets/images"
    train = {name: (_read(backgrounds / file), longest) for name, (file, longest) in WALLPAPERS.items()}
    train |= {name: (_read(skimage / file), longest) for name, (file, longest) in SCIKIT_IMAGE.items()}
    train["flower"] = _read(sklearn / "flower.jpg"), 640
    train["raccoon"] = _read_raccoon(site_packages / "scipy/misc/face.dat"), 1024
    for name, (picture, longest) in train.items():
        _write(_shrunk(picture, longest), out / f"train/{name}.png")
        if longest > 1000:  # a second, smaller look at the large ones
            _write(_shrunk(picture, longest // 2), out / f"train/{name}_half.png")

    for name, (file, longest) in HELD_OUT.items():
        _write(_window(_shrunk(_read(skimage / file), longest)), out / f"eval/{name}.png")
    _write(_window(_shrunk(_read(sklearn / "china.jpg"), 640)), out / "eval/china.png")
    file, longest = HELD_OUT_WALLPAPER
    _write(_window(_shrunk(_read(backgrounds / file), longest), x=0.4, y=0.6), out / "eval/picos.png")


def _read(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _read_raccoon(path: Path) -> Image.Image:
    pixels = np.frombuffer(bz2.decompress(path.read_bytes()), np.uint8)
    return Image.fromarray(pixels.reshape(768, 1024, 3))


def _write(picture: Image.Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def _shrunk(picture: Image.Image, longest: int) -> Image.Image:
    scale = longest / max(picture.size)
    if scale >= 1:
        return picture
    return picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.LANCZOS)


def _window(picture: Image.Image, x: float = 0.5, y: float = 0.5, side: int = 512) -> Image.Image:
    """A window of at most <side> with sides that are multiples of 128; x and y say where, 0.5 is the middle."""
    width, height = min(picture.width // 128 * 128, side), min(picture.height // 128 * 128, side)
    left, top = int((picture.width - width) * x), int((picture.height - height) * y)
    return picture.crop((left, top, left + width, top + height))
