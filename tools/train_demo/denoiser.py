"""UNet and text encoder behind the arithmetic of StableDiffusionLatentUpscalePipeline: preconditioning and guidance."""

import torch
from diffusers import EulerDiscreteScheduler, UNet2DConditionModel
from transformers import CLIPTextModel, CLIPTokenizer

from .text_encoder import token_ids
from .unet import timestep_condition


def make_scheduler() -> EulerDiscreteScheduler:
    """The published model's."""
    return EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000,
        interpolation_type="log_linear", prediction_type="original_sample")


class Denoiser:
    """Latents x and condition are [B, C, H, W], sigma and guidance [B]."""

    def __init__(self, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, tokenizer: CLIPTokenizer):
        self.unet, self.text_encoder, self.tokenizer = unet, text_encoder, tokenizer

    def __call__(self, x, condition, sigma, guidance, captions):
        """The clean latents as guided, and as they would be without a caption (None where no guidance asks for it)."""
        if guidance.max() <= 1:
            return self._denoise(x, condition, sigma, *self._embed(captions)), None
        tokens, pooled = self._embed([""] + captions)  # the empty caption once for the whole batch
        batch = len(x)
        tokens = torch.cat([tokens[:1].expand(batch, -1, -1), tokens[1:]])
        pooled = torch.cat([pooled[:1].expand(batch, -1), pooled[1:]])
        both = self._denoise(torch.cat([x] * 2), torch.cat([condition] * 2), torch.cat([sigma] * 2), tokens, pooled)
        without, with_caption = both.chunk(2)
        return without + guidance.view(-1, 1, 1, 1) * (with_caption - without), without

    def _embed(self, captions):
        output = self.text_encoder(token_ids(self.tokenizer, captions), output_hidden_states=True)
        return output.hidden_states[-1], output.pooler_output

    def _denoise(self, x, condition, sigma, tokens, pooled):
        s = sigma.view(-1, 1, 1, 1)
        variance = s**2 + 1
        sample = torch.cat([x / variance.sqrt(), condition], 1).contiguous(memory_format=torch.channels_last)
        output = self.unet(sample, torch.log(sigma) * 0.25, encoder_hidden_states=tokens,
                           timestep_cond=timestep_condition(pooled)).sample[:, :-1]
        return x / variance + s / variance.sqrt() * output
