"""Trains the UNet and the text encoder together, mostly on the UNet's own way down the noise levels.

Ordinary denoising teaches a network about pictures with fresh noise. The Euler method
shows it something else: its own earlier answers, extrapolated by guidance. Trained on those,
four steps and guidance 8 stay clean. A caption's effect is trained at g/8 of its full strength for
guidance g, so that it shows in full at 8, and the picture itself keeps its colours at any guidance.
"""

import math
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from transformers import CLIPTokenizer

from .captions import apply_effects, draw_caption, read_words
from .data import Crops, halve, load, psnr
from .denoiser import Denoiser, make_scheduler
from .text_encoder import make_text_encoder, teach_effects
from .unet import make_unet, start_as_linear_filter
from .vae import LATENT_CHANNELS

LEARNING_RATE = 1.2e-3
TEXT_PATHS = ("time_embedding", "norm1.linear", "norm2.linear", "attn2")  # through which a caption acts
TEXT_PATHS_FACTOR = 3.0  # those learn faster, the text encoder, taught already, slower
TEXT_ENCODER_FACTOR = 0.3
WARM_UP_SHARE = 0.2  # of the time, on ordinary denoising only
TRAJECTORY_SHARE = 0.8  # of the batches after that, on the model's own trajectories
GUIDED_SHARE = 0.5  # of the batches
MINUTES_BETWEEN_SAVES = 5
CROP_SIZES = [(96, 8), (96, 8), (128, 5), (192, 2)]  # side, batch
STEP_COUNTS = [4, 6, 8, 8, 10, 10, 14, 20, 25]


@dataclass
class Batch:
    condition: torch.Tensor  # [B, C, H, W], the halved picture's latents, enlarged
    wanted: torch.Tensor  # [B, C, H, W], with the caption's effects at this guidance
    plain: torch.Tensor  # [B, C, H, W], without
    captions: list[str]
    guidance: torch.Tensor  # [B]


class Average:
    """A module's weights averaged over the last few hundred steps: these are what is kept."""

    def __init__(self, module: torch.nn.Module):
        self.module = module
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self) -> None:
        for name, value in self.module.state_dict().items():
            if value.dtype.is_floating_point:
                self.weights[name].lerp_(value, 0.002)

    def swap(self) -> None:
        """Exchanges the module's weights with the average; a second call exchanges them back."""
        current = {name: value.detach().clone() for name, value in self.module.state_dict().items()}
        self.module.load_state_dict(self.weights)
        self.weights = current


class Training:
    def __init__(self, pictures: Path, out: Path, words_file: str):
        self.out = out
        self.held_out = sorted((pictures / "eval").glob("*.png"))[:2]
        self.crops, self.rng, self.words = Crops(pictures / "train", seed=11), random.Random(5), read_words(words_file)
        self.vae = AutoencoderKL.from_pretrained(out / "vae").eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.scheduler = make_scheduler()
        kept = self.scheduler.alphas_cumprod  # the share of the signal at each noise level
        self.all_sigmas = ((1 - kept) / kept).sqrt().float()
        self.channel_weights = self._channel_weights()

        tokenizer = CLIPTokenizer.from_pretrained(out / "tokenizer")
        self.unet, self.text_encoder = make_unet(), make_text_encoder(tokenizer)
        pixels = self.crops.batch(40, 96)
        start_as_linear_filter(self.unet, self._condition(pixels), self._latents(pixels))
        self.unet.to(memory_format=torch.channels_last).train()
        teach_effects(self.text_encoder.train(), tokenizer, self.unet, self.words)
        self.denoiser = Denoiser(self.unet, self.text_encoder, tokenizer)

        through_text = {name: any(path in name for path in TEXT_PATHS) for name, _ in self.unet.named_parameters()}
        groups = [
            ([p for name, p in self.unet.named_parameters() if not through_text[name]], 1.0),
            ([p for name, p in self.unet.named_parameters() if through_text[name]], TEXT_PATHS_FACTOR),
            (list(self.text_encoder.parameters()), TEXT_ENCODER_FACTOR)]
        self.parameters = [p for parameters, _ in groups for p in parameters]
        self.optimizer = torch.optim.AdamW(
            [{"params": parameters, "factor": factor} for parameters, factor in groups],
            LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
        self.averages = [Average(self.unet), Average(self.text_encoder)]
        self.steps = 0

    def run(self, minutes: float) -> None:
        start, saved = time.time(), 0.0
        while (elapsed := (time.time() - start) / 60) < minutes:
            progress = elapsed / minutes
            batch = self._draw_batch()
            own_way = progress >= WARM_UP_SHARE and self.rng.random() < TRAJECTORY_SHARE
            losses = self._follow_trajectory(batch, progress) if own_way else self._denoise_at_random(batch, progress)
            if elapsed - saved > MINUTES_BETWEEN_SAVES:
                saved = elapsed
                print(f"unet: {elapsed:.1f} min, step {self.steps}, loss {sum(losses) / len(losses):.4f}", flush=True)
                self._save()
        self._save()

    def _draw_batch(self) -> Batch:
        side, count = self.rng.choice(CROP_SIZES)
        pixels = self.crops.batch(count, side)
        drawn = [draw_caption(self.rng, self.words) for _ in range(count)]
        guidance = torch.ones(count)
        if self.rng.random() < GUIDED_SHARE:
            guidance = torch.tensor([self.rng.choice([1.0, 1.0, 2.0, 4.0, 8.0, 8.0, self.rng.uniform(1, 10)]) for _ in range(count)])
        changed = torch.cat([apply_effects(pixels[i:i + 1], effects) for i, (_, effects) in enumerate(drawn)])
        wanted = (pixels + guidance.view(-1, 1, 1, 1) / 8 * (changed - pixels)).clamp(-1, 1)
        return Batch(self._condition(pixels), self._latents(wanted), self._latents(pixels),
                     [caption for caption, _ in drawn], guidance)

    def _follow_trajectory(self, batch: Batch, progress: float) -> list[float]:
        """The Euler method from noise to the end, with one step of the optimizer at each of its steps."""
        self.scheduler.set_timesteps(self.rng.choice(STEP_COUNTS))
        sigmas = self.scheduler.sigmas
        x = torch.randn_like(batch.wanted) * (sigmas[0] ** 2 + 1).sqrt()
        losses = []
        for sigma, next_sigma in zip(sigmas[:-1], sigmas[1:]):
            clean, loss = self._learn(x, sigma, batch, progress)
            x = (clean + next_sigma / sigma * (x - clean)).detach()
            losses.append(loss)
        return losses

    def _denoise_at_random(self, batch: Batch, progress: float) -> list[float]:
        """Four noise levels, each with fresh noise."""
        sigmas = self.all_sigmas[torch.randint(0, len(self.all_sigmas), (4,))]
        return [self._learn(batch.wanted + sigma * torch.randn_like(batch.wanted), sigma, batch, progress)[1] for sigma in sigmas]

    def _learn(self, x: torch.Tensor, sigma: torch.Tensor, batch: Batch, progress: float) -> tuple[torch.Tensor, float]:
        clean, without_caption = self.denoiser(x, batch.condition, sigma.expand(len(x)), batch.guidance, batch.captions)
        loss = self._error(clean, batch.wanted, sigma)
        if without_caption is not None:
            loss = (loss + 0.5 * self._error(without_caption, batch.plain, sigma)) / 1.5
        cosine = 0.5 * (1 + math.cos(math.pi * min(1, progress)))
        for group in self.optimizer.param_groups:
            group["lr"] = group["factor"] * LEARNING_RATE * min(1, (self.steps + 1) / 100) * (0.02 + 0.98 * cosine)
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()
        self.steps += 1
        for average in self.averages:
            average.update()
        return clean, loss.item()

    def _error(self, clean: torch.Tensor, wanted: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        """A smooth absolute error; the last steps, which set the detail, count up to twice."""
        squares = ((clean - wanted) * self.channel_weights.sqrt()) ** 2
        return (squares + 1e-6).sqrt().mean() * (1 + 1 / sigma**2).clamp(max=4).sqrt()

    @torch.no_grad()
    def _channel_weights(self) -> torch.Tensor:
        """What an error in each latent channel costs in the decoded picture, [1, C, 1, 1] with mean 1."""
        latents = self.vae.encode(self.crops.batch(8, 96)).latent_dist.mean
        decoded = self.vae.decode(latents).sample
        costs = []
        for channel in range(LATENT_CHANNELS):
            disturbed = latents.clone()
            disturbed[:, channel] += 0.1 * torch.randn_like(disturbed[:, channel])
            costs.append(((self.vae.decode(disturbed).sample - decoded) ** 2).mean())
        costs = torch.stack(costs).view(1, -1, 1, 1)
        return costs / costs.mean()

    @torch.no_grad()
    def _latents(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.vae.encode(pixels).latent_dist.sample() * self.vae.config.scaling_factor

    def _condition(self, pixels: torch.Tensor) -> torch.Tensor:
        return F.interpolate(self._latents(halve(pixels)), scale_factor=2)

    def _save(self) -> None:
        for average in self.averages:
            average.swap()
        self.unet.save_pretrained(self.out / "unet")
        self.text_encoder.save_pretrained(self.out / "text_encoder")
        self.scheduler.save_pretrained(self.out / "scheduler")
        self._report()
        for average in self.averages:
            average.swap()

    @torch.no_grad()
    def _report(self) -> None:
        """Eight steps on two pictures not trained on, without and with guidance, beside bicubic."""
        self.unet.eval()
        self.text_encoder.eval()
        for path in self.held_out:
            picture = load(path)
            results = [psnr(self._upscale(halve(picture), guidance), picture) for guidance in (1.0, 8.0)]
            bicubic = F.interpolate(halve(picture), scale_factor=2, mode="bicubic", align_corners=False)
            print(f"unet: {path.stem}: guidance 1 {results[0]:.2f} dB, 8 {results[1]:.2f} dB, "
                  f"bicubic {psnr(bicubic, picture):.2f} dB", flush=True)
        self.unet.train()
        self.text_encoder.train()

    def _upscale(self, picture: torch.Tensor, guidance: float) -> torch.Tensor:
        condition = F.interpolate(self._latents(picture), scale_factor=2)
        self.scheduler.set_timesteps(8)
        sigmas = self.scheduler.sigmas
        x = torch.randn(condition.shape, generator=torch.Generator().manual_seed(0)) * self.scheduler.init_noise_sigma
        for sigma, next_sigma in zip(sigmas[:-1], sigmas[1:]):
            clean, _ = self.denoiser(x, condition, sigma.view(1), torch.tensor([guidance]), ["a photo"])
            x = clean + next_sigma / sigma * (x - clean)
        return self.vae.decode(x / self.vae.config.scaling_factor).sample
