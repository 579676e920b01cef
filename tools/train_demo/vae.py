"""The autoencoder: f = 2, six latent channels, a linear codec that training refines.

A network this small, trained for minutes, would spend them on finding out how to
copy a picture. It starts as a known answer instead: a 2x2 Haar transform of an
opponent colour space, all of the luma and the colour at half the resolution.
"""

import math
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from .data import Crops, halve, load, psnr

LATENT_CHANNELS = 6
NOISE = 0.01  # the posterior's standard deviation; fixed, not learned
PEDESTAL = 8.0  # see start_as_haar_codec
LEARNING_RATE = 2e-3


def make_vae() -> AutoencoderKL:
    return AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=["DownEncoderBlock2D"] * 2, up_block_types=["UpDecoderBlock2D"] * 2,
        block_out_channels=[16, 32], layers_per_block=1, act_fn="silu", latent_channels=LATENT_CHANNELS, norm_num_groups=1,
        sample_size=64, mid_block_add_attention=False)


@torch.no_grad()
def start_as_haar_codec(vae: AutoencoderKL) -> None:
    """Sets the weights so that decode(encode(x)) is nearly x before any training.

    Two tricks carry a value v unchanged through "norm, SiLU, convolution". SiLU(v) - SiLU(-v) = v, so that v travels as
    a pair of channels. And a pair of constant channels, +PEDESTAL and -PEDESTAL, makes the norm's divisor known and
    nearly independent of the picture: PEDESTAL * sqrt(2 / channels), which the last convolution multiplies back.
    """
    encoder, decoder = vae.encoder, vae.decoder
    for module in vae.modules():
        if type(module).__name__ == "ResnetBlock2D":  # nearly silent at first; their shortcuts do the work
            module.conv2.weight.mul_(0.05)
            module.conv2.bias.zero_()

    # Encoder: the picture's channels, then the six coefficients, then each as a pair.
    _clear(encoder.conv_in, 3)
    for i in range(3):
        encoder.conv_in.weight[i, i, 1, 1] = 1
    down = encoder.down_blocks[0].downsamplers[0].conv
    _clear(down, LATENT_CHANNELS)
    for i, (colour, wave) in enumerate(_coefficients()):
        down.weight[i, :3, :2, :2] = colour.view(3, 1, 1) * wave
    pairs = encoder.down_blocks[1].resnets[0].conv_shortcut
    _clear(pairs, 14)
    for i in range(LATENT_CHANNELS):
        pairs.weight[2 * i, i], pairs.weight[2 * i + 1, i] = 1, -1
    pairs.bias[12], pairs.bias[13] = PEDESTAL, -PEDESTAL
    for layer in (encoder.conv_out, vae.quant_conv, vae.post_quant_conv):
        layer.weight.zero_()
        layer.bias.zero_()
    scale = PEDESTAL * (2 / 32) ** 0.5
    for i in range(LATENT_CHANNELS):
        encoder.conv_out.weight[i, 2 * i, 1, 1], encoder.conv_out.weight[i, 2 * i + 1, 1, 1] = scale, -scale
        vae.quant_conv.weight[i, i] = vae.post_quant_conv.weight[i, i] = 1
    vae.quant_conv.bias[LATENT_CHANNELS:] = 2 * math.log(NOISE)

    # Decoder: smooth enlargement of all six, and colours from those that are averages. Detail is left to training.
    _clear(decoder.conv_in, LATENT_CHANNELS)
    up = decoder.up_blocks[0].upsamplers[0].conv
    _clear(up, LATENT_CHANNELS)
    tent = torch.tensor([0.25, 0.5, 0.25])
    for i in range(LATENT_CHANNELS):
        decoder.conv_in.weight[i, i, 1, 1] = 1
        up.weight[i, i] = tent[:, None] * tent[None]
    pairs = decoder.up_blocks[1].resnets[0].conv_shortcut
    _clear(pairs, 8)
    for i, (colour, wave) in enumerate(_coefficients()):
        if wave.min() > 0:
            pairs.weight[:3, i, 0, 0], pairs.weight[3:6, i, 0, 0] = colour / 2, -colour / 2
    pairs.bias[6], pairs.bias[7] = PEDESTAL, -PEDESTAL
    scale = PEDESTAL * (2 / 16) ** 0.5
    decoder.conv_out.weight.mul_(0.1)
    decoder.conv_out.weight[:, :8] = 0
    decoder.conv_out.bias.zero_()
    for i in range(3):
        decoder.conv_out.weight[i, i, 1, 1], decoder.conv_out.weight[i, i + 3, 1, 1] = scale, -scale


def train_vae(pictures: Path, out: Path, minutes: float) -> None:
    """Trains on <pictures>/train for that long, prints what <pictures>/eval says, writes <out>/vae."""
    crops, vae = Crops(pictures / "train", seed=7), make_vae().to(memory_format=torch.channels_last)
    start_as_haar_codec(vae)
    optimizer = torch.optim.AdamW(vae.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0)
    average = {name: value.clone() for name, value in vae.state_dict().items()}

    start, step, reported = time.time(), 0, 0.0
    while (elapsed := (time.time() - start) / 60) < minutes:
        cosine = 0.5 * (1 + math.cos(math.pi * elapsed / minutes))
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1, (step + 1) / 50) * (0.02 + 0.98 * cosine)
        # Reduced pictures every other time: they are sharper, and the encoder will be given such ones.
        pixels = halve(crops.batch(10, 128)) if step % 2 else crops.batch(10, 64)
        mean = vae.quant_conv(vae.encoder(pixels))[:, :LATENT_CHANNELS]
        decoded = vae.decoder(vae.post_quant_conv(mean + NOISE * torch.randn_like(mean)))
        loss = _loss(decoded - pixels, mean)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        vae.quant_conv.weight.grad[LATENT_CHANNELS:] = 0  # the variance stays as it is
        vae.quant_conv.bias.grad[LATENT_CHANNELS:] = 0
        optimizer.step()
        step += 1
        with torch.no_grad():
            for name, value in vae.state_dict().items():
                average[name].lerp_(value, 0.01)
        if elapsed - reported > 1:
            reported = elapsed
            print(f"vae: {elapsed:.1f} min, step {step}, loss {loss:.4f}, {psnr(decoded.detach(), pixels):.2f} dB", flush=True)

    vae.load_state_dict(average)
    _set_scaling_factor(vae.eval(), crops)
    _report(vae, pictures / "eval")
    vae.save_pretrained(out / "vae")


def _coefficients() -> list[tuple[torch.Tensor, torch.Tensor]]:
    """What the six latent channels mean: a colour direction [3] and a 2x2 wave. Colour is kept as averages only."""
    luma = torch.tensor([1.0, 1, 1]) / 3**0.5
    red_blue = torch.tensor([1.0, 0, -1]) / 2**0.5
    green_magenta = torch.tensor([-1.0, 2, -1]) / 6**0.5
    average, across, down, diagonal = (
        torch.tensor(wave) / 2 for wave in ([[1.0, 1], [1, 1]], [[1.0, -1], [1, -1]], [[1.0, 1], [-1, -1]], [[1.0, -1], [-1, 1]]))
    return [(luma, average), (luma, across), (luma, down), (luma, diagonal), (red_blue, average), (green_magenta, average)]


def _clear(convolution: torch.nn.Conv2d, outputs: int) -> None:
    convolution.weight[:outputs] = 0
    convolution.bias[:outputs] = 0


def _loss(error: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    edges = error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean()
    return error.abs().mean() + 0.5 * edges + 4 * (error**2).mean() + 1e-4 * (mean**2).mean()


@torch.no_grad()
def _set_scaling_factor(vae: AutoencoderKL, crops: Crops) -> None:
    """The diffusion is written for latents of unit variance."""
    batches = [halve(crops.batch(8, 128)) for _ in range(40)] + [crops.batch(8, 64) for _ in range(40)]
    latents = torch.cat([vae.encode(batch).latent_dist.mean for batch in batches])
    vae.register_to_config(scaling_factor=round(1 / latents.std().item(), 5))


@torch.no_grad()
def _report(vae: AutoencoderKL, folder: Path) -> None:
    for path in sorted(folder.glob("*.png")):
        picture = load(path)
        there_and_back = [psnr(vae.decode(vae.encode(p).latent_dist.sample()).sample, p) for p in (picture, halve(picture))]
        print(f"vae: {path.stem}: {there_and_back[0]:.2f} dB, halved {there_and_back[1]:.2f} dB")
