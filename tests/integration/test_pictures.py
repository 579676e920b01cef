"""Pictures of every kind: what they come with, their answer has."""

import base64
import io

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from client import QUICK, Client
from pictures import make_picture
from server_process import SOURCE

WIDTH, HEIGHT = 46, 34
FORMATS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "tiff": "TIFF", "avif": "AVIF"}


def colours() -> Image.Image:
    return Image.open(io.BytesIO(make_picture(WIDTH, HEIGHT))).convert("RGB")


def to_file(image: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def upscale(client: Client, picture: bytes, **fields) -> Image.Image:
    response = client.post(picture, **QUICK | fields)
    assert response.status_code == 200, response.text
    return Image.open(io.BytesIO(base64.b64decode(response.json()["data"][0]["b64_json"])))


def refused(client: Client, picture: bytes, status: int, **fields) -> dict:
    response = client.post(picture, **QUICK | fields)
    assert response.status_code == status, response.text
    return response.json()["error"]


def difference(first: Image.Image, second: Image.Image) -> float:
    """The mean, in levels of 255."""
    arrays = [np.asarray(image.convert("RGB"), float) for image in (first, second)]
    return float(np.abs(arrays[0] - arrays[1]).mean())


def disc(size: int) -> np.ndarray:
    """[size, size], opaque in the middle."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return (np.hypot(x, y) < size / 3).astype(np.uint8) * 255


@pytest.mark.parametrize("name, format", FORMATS.items())
def test_every_format_is_read_and_written(client: Client, name, format):
    upscaled = upscale(client, to_file(colours(), format), output_format=name, seed=1)

    assert upscaled.format == format
    assert upscaled.size == (2 * WIDTH, 2 * HEIGHT)
    bicubic = colours().resize((2 * WIDTH, 2 * HEIGHT), Image.BICUBIC)
    assert difference(upscaled, bicubic) < 14


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "CMYK", "I;16", "RGBA"])
def test_every_kind_of_pixels_is_read(client: Client, mode):
    image = colours()
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "1":
        image = image.convert("L").point(lambda level: 255 if level > 127 else 0).convert("1")
    else:
        image = image.convert(mode)

    upscaled = upscale(client, to_file(image, "TIFF" if mode == "CMYK" else "PNG"))

    assert upscaled.size == (2 * WIDTH, 2 * HEIGHT)
    grey = mode in ("L", "LA", "1", "I;16")
    assert upscaled.mode == {"LA": "LA", "RGBA": "RGBA"}.get(mode, "L" if grey else "RGB")


@pytest.mark.parametrize("scale", [2, 4])
@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea"])
def test_nothing_is_moved(client: Client, name, scale):
    # A photograph: what repeats itself could be taken for itself, moved.
    photograph = Image.open(SOURCE / f"docs/pictures/{name}.png").convert("RGB")
    source = photograph.crop((60, 40, 156, 120))

    upscaled = upscale(client, to_file(source), scale=scale, seed=1).convert("L")

    assert upscaled.size == (scale * 96, scale * 80)
    bicubic = source.convert("L").resize(upscaled.size, Image.BICUBIC)
    shifts = shift_between(np.asarray(bicubic, float), np.asarray(upscaled, float))
    assert np.abs(shifts).max() < 0.1  # Pixels of the answer.


def shift_between(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """How far the second is moved, in pixels, by phase correlation with a parabola through the
    peak."""
    window = np.outer(np.hanning(first.shape[0]), np.hanning(first.shape[1]))
    spectra = [np.fft.fft2((image - image.mean()) * window) for image in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    # Of the coarse half of the frequencies: the fine ones are the model's own.
    rows, columns = (np.abs(np.fft.fftfreq(length)) < 0.125 for length in first.shape)
    cross = np.where(np.outer(rows, columns), cross / (np.abs(cross) + 1e-9), 0)
    correlation = np.fft.fftshift(np.real(np.fft.ifft2(cross)))
    peak = np.unravel_index(np.argmax(correlation), correlation.shape)
    shifts = []
    for axis in (0, 1):
        before, after = list(peak), list(peak)
        before[axis] -= 1
        after[axis] += 1
        left, middle, right = (correlation[tuple(place)] for place in (before, peak, after))
        fraction = (left - right) / (2 * (left - 2 * middle + right))
        shifts.append(peak[axis] - correlation.shape[axis] // 2 + fraction)
    return shifts[0], shifts[1]


def test_transparency_is_kept_without_fringes(client: Client):
    size = 64
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[..., 3] = disc(size)
    pixels[pixels[..., 3] > 0, :3] = (200, 40, 30)

    upscaled = upscale(client, to_file(Image.fromarray(pixels)), seed=1)

    assert upscaled.mode == "RGBA"
    found = np.asarray(upscaled, float)
    assert np.abs(found[..., 3] - np.asarray(Image.fromarray(disc(2 * size)), float)).mean() < 4
    # Laid over white nothing is darker than the disc itself.
    alpha = found[..., 3:] / 255
    over_white = found[..., :3] * alpha + 255 * (1 - alpha)
    assert over_white[..., 0].min() > 150


def test_transparency_is_laid_over_white_where_that_is_wanted(client: Client):
    image = colours().convert("RGBA")
    image.putalpha(0)

    dropped = upscale(client, to_file(image), alpha="drop", seed=1)
    jpeg = client.post(to_file(image), output_format="jpeg", **QUICK).json()

    assert dropped.mode == "RGB"
    # The colours, of which a third is dark, are gone; the model's own noise is not.
    assert np.asarray(dropped).min() > 220
    assert any("transparency" in warning for warning in jpeg["warnings"])


def test_orientation_is_applied_and_said_once(client: Client):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Maker"

    upscaled = upscale(client, to_file(colours(), "JPEG", exif=exif), output_format="jpeg")

    assert upscaled.size == (2 * HEIGHT, 2 * WIDTH)
    assert upscaled.getexif().get(0x0112, 1) == 1
    assert upscaled.getexif()[0x010F] == "Maker"


@pytest.mark.parametrize("metadata, maker, place", [
    ("keep", True, False), ("all", True, True), ("color", False, False), ("strip", False, False),
])
def test_metadata_is_kept_as_asked(client: Client, metadata, maker, place):
    exif = Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 8.0, 0.0)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = to_file(colours(), "JPEG", exif=exif, icc_profile=profile)

    upscaled = upscale(client, picture, output_format="jpeg", metadata=metadata)

    assert (0x010F in upscaled.getexif()) == maker
    assert (2 in upscaled.getexif().get_ifd(0x8825)) == place
    assert ("icc_profile" in upscaled.info) == (metadata != "strip")


def test_sixteen_bits_have_more_levels_than_eight(client: Client):
    upscaled = upscale(client, to_file(colours().convert("L")), bit_depth=16)

    assert upscaled.mode.startswith("I;16")
    assert len(np.unique(np.asarray(upscaled))) > 256


def test_a_png_says_how_it_was_made(client: Client):
    upscaled = upscale(client, make_picture(16, 16), prompt="ein Hügel", seed=7)
    silent = upscale(client, make_picture(16, 16), prompt="ein Hügel", embed_parameters="false")

    assert isinstance(upscaled, PngImagePlugin.PngImageFile)
    assert upscaled.text["parameters"].startswith("ein Hügel\n")
    assert "Seed: 7" in upscaled.text["parameters"]
    assert "parameters" not in silent.text


def test_lossless_webp_loses_nothing(client: Client):
    picture = make_picture(32, 32)
    fields = {"seed": 7, "output_format": "webp"}

    lossless = upscale(client, picture, lossless="true", **fields)

    assert difference(lossless, upscale(client, picture, seed=7)) == 0


@pytest.mark.parametrize("name, head", [
    ("BMP", b"BM" + bytes(60)),
    ("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    ("PDF", b"%PDF-1.7\n"),
    ("JPEG XL", b"\xff\x0a" + bytes(60)),
])
def test_other_formats_are_named(client: Client, name, head):
    error = refused(client, head, 415)

    assert name in error["message"]
    assert "PNG" in error["message"]
    assert error["param"] == "image"
