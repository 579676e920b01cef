"""Makes the pictures that fuzzing starts from: python make_corpus.py FOLDER. Needs Pillow."""

import sys
from pathlib import Path

from PIL import Image, ImageCms, PngImagePlugin

SIDE = 8


def colours() -> Image.Image:
    image = Image.new("RGBA", (SIDE, SIDE))
    image.putdata([(x * 30, y * 30, x * y * 4, 255 - y * 36) for y in range(SIDE) for x in range(SIDE)])
    return image


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    image = colours()
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        made = Image.new("I;16", (SIDE, SIDE), 1000) if mode == "I;16" else image.convert(mode)
        made.save(folder / f"{mode.replace(';', '_')}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", zip=True)
    text.add_text("comment", "words", zip=True)
    rgb = image.convert("RGB")
    rgb.save(folder / "everything.png", exif=exif, icc_profile=profile, pnginfo=text)
    rgb.save(folder / "everything.jpg", exif=exif, icc_profile=profile)
    image.convert("CMYK").save(folder / "cmyk.jpg")
    rgb.save(folder / "progressive.jpg", progressive=True)
    rgb.save(folder / "everything.webp", exif=exif, icc_profile=profile)
    image.save(folder / "lossless.webp", lossless=True)
    for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits"):
        rgb.save(folder / f"{compression}.tif", compression=compression)
    image.convert("CMYK").save(folder / "cmyk.tif")
    frames = [image.convert("P"), image.rotate(90).convert("P")]
    frames[0].save(folder / "frames.gif", save_all=True, append_images=frames[1:])
    rgb.save(folder / "picture.avif")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
