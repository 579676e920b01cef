"""The text encoder: a small CLIP that first learns which effects a caption asks for."""

import random

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .captions import EFFECTS, draw_caption
from .tokenizer import VOCABULARY
from .unet import NOISE_LEVEL_WIDTH, TEXT_WIDTH

STEPS = 600


def make_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=TEXT_WIDTH, intermediate_size=2 * TEXT_WIDTH, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=77, hidden_act="quick_gelu", projection_dim=TEXT_WIDTH,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id))


def token_ids(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Captions -> ids [B, 77]."""
    return tokenizer(captions, padding="max_length", max_length=77, truncation=True, return_tensors="pt").input_ids


def teach_effects(encoder: CLIPTextModel, tokenizer: CLIPTokenizer, unet: UNet2DConditionModel, words: list[str],
                  steps: int = STEPS) -> None:
    """Trains the pooled output to answer "which effects?", and lets the UNet hear that answer only.

    The answer is linear, 0 for "not asked for" and 1 for "asked for", so that guidance extrapolates along it.
    """
    effects, rng = list(EFFECTS), random.Random(2)
    probe = torch.nn.Linear(TEXT_WIDTH, len(effects))
    optimizer = torch.optim.AdamW([*encoder.parameters(), *probe.parameters()], 3e-3, weight_decay=1e-3)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 3e-3 * (1 - step / steps) + 1e-4
        drawn = [draw_caption(rng, words) for _ in range(64)]
        ids = token_ids(tokenizer, [caption for caption, _ in drawn])[:, :32]  # none is longer
        asked = torch.tensor([[float(effect in asked_for) for effect in effects] for _, asked_for in drawn])
        loss = F.mse_loss(probe(encoder(ids).pooler_output), asked) + 1e-3 * probe.weight.pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            print(f"text encoder: step {step + 1}, error {loss:.4f}", flush=True)
    with torch.no_grad():
        projection = unet.time_embedding.cond_proj.weight
        projection[:, NOISE_LEVEL_WIDTH:] = torch.randn(len(projection), len(effects)) * 0.5 @ probe.weight
