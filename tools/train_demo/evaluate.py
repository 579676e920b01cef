"""Measures a checkpoint through the unmodified diffusers pipeline, on pictures it was not trained on."""

import time
from pathlib import Path

import numpy as np
import torch
from diffusers import StableDiffusionLatentUpscalePipeline
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity


def evaluate(model: Path, pictures: Path, steps: list[int], guidance: list[float], prompt: str) -> None:
    """Prints mean PSNR and SSIM of bicubic, of the autoencoder alone and of every setting; then PSNR by picture."""
    pipeline = StableDiffusionLatentUpscalePipeline.from_pretrained(model, dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    originals = {path.stem: Image.open(path).convert("RGB") for path in sorted(pictures.glob("*.png"))}
    halved = {name: p.resize((p.width // 2, p.height // 2), Image.BICUBIC) for name, p in originals.items()}

    _report("bicubic", originals, {name: p.resize(originals[name].size, Image.BICUBIC) for name, p in halved.items()})
    _report("autoencoder alone", originals, {name: _there_and_back(pipeline, p) for name, p in originals.items()})
    for scale in guidance:
        for count in steps:
            start = time.time()
            upscaled = {name: pipeline(prompt, image=p, guidance_scale=scale, num_inference_steps=count,
                                       generator=torch.Generator().manual_seed(0)).images[0] for name, p in halved.items()}
            seconds = (time.time() - start) / len(upscaled)
            _report(f"guidance {scale:g}, {count} steps, {seconds:.1f} s", originals, upscaled)


@torch.no_grad()
def _there_and_back(pipeline: StableDiffusionLatentUpscalePipeline, picture: Image.Image) -> Image.Image:
    latents = pipeline.vae.encode(pipeline.image_processor.preprocess(picture)).latent_dist.mode()
    return pipeline.image_processor.postprocess(pipeline.vae.decode(latents).sample)[0]


def _report(setting: str, originals: dict[str, Image.Image], results: dict[str, Image.Image]) -> None:
    pairs = [(np.array(originals[name]), np.array(results[name])) for name in originals]
    psnr = [peak_signal_noise_ratio(original, result) for original, result in pairs]
    ssim = [structural_similarity(original, result, channel_axis=2) for original, result in pairs]
    cast = max(np.abs(original.mean((0, 1)) - result.mean((0, 1))).max() for original, result in pairs)
    each = " ".join(f"{name} {value:.2f}" for name, value in zip(originals, psnr))
    print(f"{setting:34s} PSNR {np.mean(psnr):.2f}  SSIM {np.mean(ssim):.4f}  colour cast {cast:.2f}/255  ({each})", flush=True)
