"""Makes a checkpoint of the published model's size, with random weights: speed does not depend on
their values.

    .deps/peers-venv/bin/python benchmarks/model/checkpoint.py DIR
"""

import shutil
import sys
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionLatentUpscalePipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

# Whose tokenizer it gets.
DEMO = Path(__file__).resolve().parents[2] / "checkpoints/demo"

WIDTH = 768  # Of the text encoder.


def text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=12,
            num_attention_heads=12,
            max_position_embeddings=77,
            hidden_act="quick_gelu",
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


def vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        norm_num_groups=32,
        act_fn="silu",
        sample_size=768,
        scaling_factor=0.18215,
    )


def unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        act_fn="gelu",
        attention_head_dim=64,
        block_out_channels=(384, 384, 768, 768),
        conv_in_kernel=1,
        conv_out_kernel=1,
        cross_attention_dim=WIDTH,
        down_block_types=("KDownBlock2D",) + ("KCrossAttnDownBlock2D",) * 3,
        up_block_types=("KCrossAttnUpBlock2D",) * 3 + ("KUpBlock2D",),
        in_channels=8,
        out_channels=5,
        layers_per_block=4,
        mid_block_type=None,
        norm_num_groups=None,
        resnet_time_scale_shift="scale_shift",
        time_embedding_type="fourier",
        time_cond_proj_dim=WIDTH + 128,
        timestep_post_act="gelu",
        sample_size=128,
    )


def scheduler() -> EulerDiscreteScheduler:
    return EulerDiscreteScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        interpolation_type="log_linear",
        prediction_type="original_sample",
    )


def main() -> None:
    folder = Path(sys.argv[1])
    torch.manual_seed(0)
    tokenizer = CLIPTokenizer.from_pretrained(
        DEMO / "tokenizer", model_max_length=77, pad_token="<|endoftext|>"
    )
    pipe = StableDiffusionLatentUpscalePipeline(
        vae=vae().eval(),
        text_encoder=text_encoder(tokenizer).eval(),
        tokenizer=tokenizer,
        unet=unet().eval(),
        scheduler=scheduler(),
    )
    pipe.save_pretrained(folder, safe_serialization=True)
    # The published model has these; newer transformers save tokenizer.json alone.
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(DEMO / "tokenizer" / name, folder / "tokenizer" / name)


if __name__ == "__main__":
    main()
