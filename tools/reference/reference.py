#!/usr/bin/env python3
"""The Python reference for the latent upscaler: what the C++ code is compared with.

Nothing here is part of the product, which never needs Python to run. README.md says how to use it.
"""
import argparse
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file


def build_checkpoint(size: str, tokenizer_dir: str, out: str, seed: int) -> None:
    from diffusers import AutoencoderKL, EulerDiscreteScheduler, StableDiffusionLatentUpscalePipeline, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    tokenizer = CLIPTokenizer.from_pretrained(tokenizer_dir, model_max_length=77, pad_token="<|endoftext|>")
    vocabulary = len(tokenizer)
    real = size == "real"
    torch.manual_seed(seed)
    width = 768 if real else 32
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary, hidden_size=width, intermediate_size=4 * width, projection_dim=width,
            num_hidden_layers=12 if real else 3, num_attention_heads=12 if real else 4, max_position_embeddings=77,
            hidden_act="quick_gelu", layer_norm_eps=1e-5,
            bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
        )
    )
    vae = AutoencoderKL(
        block_out_channels=(128, 256, 512, 512) if real else (32, 32, 64, 64),
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        in_channels=3, out_channels=3, latent_channels=4, layers_per_block=2 if real else 1,
        norm_num_groups=32, act_fn="silu", sample_size=768, scaling_factor=0.18215,
    )
    unet = UNet2DConditionModel(
        act_fn="gelu", attention_head_dim=64 if real else 16,
        block_out_channels=(384, 384, 768, 768) if real else (32, 32, 64, 64),
        conv_in_kernel=1, conv_out_kernel=1, cross_attention_dim=width,
        down_block_types=("KDownBlock2D", "KCrossAttnDownBlock2D", "KCrossAttnDownBlock2D", "KCrossAttnDownBlock2D"),
        up_block_types=("KCrossAttnUpBlock2D", "KCrossAttnUpBlock2D", "KCrossAttnUpBlock2D", "KUpBlock2D"),
        in_channels=8, out_channels=5, layers_per_block=4 if real else 2, mid_block_type=None, norm_num_groups=None,
        resnet_time_scale_shift="scale_shift", time_embedding_type="fourier", time_cond_proj_dim=width + 128,
        timestep_post_act="gelu", sample_size=128, only_cross_attention=False, center_input_sample=False,
    )
    scheduler = EulerDiscreteScheduler(
        num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear",
        interpolation_type="log_linear", prediction_type="original_sample",
    )
    pipe = StableDiffusionLatentUpscalePipeline(
        vae=vae.eval(), text_encoder=text_encoder.eval(), tokenizer=tokenizer, unet=unet.eval(), scheduler=scheduler
    )
    if not real:  # half the bytes on disk; everything computes in fp32 after loading
        pipe.to(dtype=torch.float16)
    pipe.save_pretrained(out, safe_serialization=True)
    for name in ("vocab.json", "merges.txt"):  # the published model has these; newer transformers saves tokenizer.json alone
        shutil.copy(Path(tokenizer_dir) / name, Path(out) / "tokenizer" / name)
    count = {name: sum(p.numel() for p in getattr(pipe, name).parameters()) for name in ("text_encoder", "vae", "unet")}
    print(json.dumps({"parameters": count, "vocabulary": vocabulary, "out": out}))


def load(model: str):
    from diffusers import StableDiffusionLatentUpscalePipeline

    pipe = StableDiffusionLatentUpscalePipeline.from_pretrained(model, dtype=torch.float32)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def call(pipe, image, args, **extra):
    generator = torch.Generator("cpu").manual_seed(args.seed)
    return pipe(
        prompt=args.prompt, negative_prompt=args.negative_prompt or None, image=image, num_inference_steps=args.steps,
        guidance_scale=args.guidance_scale, generator=generator, **extra,
    ).images


def golden(args) -> None:
    """Runs one upscale and keeps what goes into and comes out of every stage."""
    pipe = load(args.model)
    image = Image.open(args.image).convert("RGB")
    kept: dict[str, torch.Tensor] = {}

    def keep(name, value):
        if isinstance(value, torch.Tensor):
            kept.setdefault(name, value.detach().to(torch.float32 if value.is_floating_point() else value.dtype).contiguous().clone())

    def on_text(_module, inputs, kwargs, output):
        ids = kwargs.get("input_ids", inputs[0] if inputs else None)
        i = sum(name.endswith(".input_ids") for name in kept)  # 0 is the prompt, 1 the negative prompt
        keep(f"text.{i}.input_ids", ids)
        keep(f"text.{i}.last_hidden_state", output.last_hidden_state)
        keep(f"text.{i}.hidden_states_last", output.hidden_states[-1])
        keep(f"text.{i}.pooler_output", output.pooler_output)

    def on_unet(_module, inputs, kwargs, output):
        if "unet.sample" not in kept:
            keep("unet.sample", inputs[0])
            keep("unet.timestep", torch.as_tensor(inputs[1]).reshape(-1))
            keep("unet.encoder_hidden_states", kwargs["encoder_hidden_states"])
            keep("unet.timestep_cond", kwargs["timestep_cond"])
            keep("unet.output", output.sample)

    pipe.text_encoder.register_forward_hook(on_text, with_kwargs=True)
    pipe.unet.register_forward_hook(on_unet, with_kwargs=True)
    encode, decode = pipe.vae.encode, pipe.vae.decode

    def traced_encode(pixels, *rest, **kw):
        keep("vae.pixels", pixels)
        out = encode(pixels, *rest, **kw)
        keep("vae.moments", out.latent_dist.parameters)
        return out

    def traced_decode(latents, *rest, **kw):
        keep("vae.decode_input", latents)
        out = decode(latents, *rest, **kw)
        keep("vae.decoded", out[0])
        return out

    pipe.vae.encode, pipe.vae.decode = traced_encode, traced_decode

    def on_step(step, _timestep, latents):
        keep(f"step.{step}.latents", latents)

    images = call(pipe, image, args, callback=on_step, callback_steps=1)
    keep("scheduler.sigmas", pipe.scheduler.sigmas)
    keep("scheduler.timesteps", pipe.scheduler.timesteps)
    keep("scheduler.init_noise_sigma", torch.as_tensor(pipe.scheduler.init_noise_sigma).reshape(-1))
    keep("image", torch.from_numpy(np.array(images[0])))
    Path(args.out).parent.mkdir(parents=True, exist_ok=True)
    settings = {k: str(getattr(args, k)) for k in ("prompt", "negative_prompt", "steps", "guidance_scale", "seed")}
    save_file(kept, args.out, metadata=settings)
    print(json.dumps({name: list(t.shape) for name, t in kept.items()}))


def measure(args) -> None:
    torch.set_num_threads(args.threads)
    pipe = load(args.model)
    if args.compile:
        pipe.unet = torch.compile(pipe.unet)
        pipe.vae.decode = torch.compile(pipe.vae.decode)
    if args.channels_last:
        pipe.unet.to(memory_format=torch.channels_last)
        pipe.vae.to(memory_format=torch.channels_last)
    image = Image.effect_noise((args.pixels, args.pixels), 60).convert("RGB")
    seconds = []
    for i in range(args.repeat + 1):
        start = time.perf_counter()
        call(pipe, image, args)
        if i or not args.repeat:  # the first run is the warm-up
            seconds.append(time.perf_counter() - start)
    print(json.dumps({"engine": "diffusers", "pixels": args.pixels, "steps": args.steps, "guidance_scale": args.guidance_scale,
                      "threads": args.threads, "compile": args.compile, "channels_last": args.channels_last,
                      "seconds": [round(s, 4) for s in seconds]}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    checkpoint = commands.add_parser("checkpoint")
    checkpoint.add_argument("--size", choices=("narrow", "real"), required=True)
    checkpoint.add_argument("--tokenizer", required=True, help="a folder with vocab.json and merges.txt")
    checkpoint.add_argument("--seed", type=int, default=0)
    checkpoint.add_argument("--out", required=True)
    for name in ("run", "golden", "time"):
        p = commands.add_parser(name)
        p.add_argument("--model", required=True)
        p.add_argument("--prompt", default="a sharp, highly detailed photo")
        p.add_argument("--negative-prompt", default="")
        p.add_argument("--steps", type=int, default=4 if name == "time" else 10)
        p.add_argument("--guidance-scale", type=float, default=8.0)
        p.add_argument("--seed", type=int, default=0)
        if name == "time":
            p.add_argument("--pixels", type=int, default=128)
            p.add_argument("--threads", type=int, default=2)
            p.add_argument("--repeat", type=int, default=3, help="timed runs after one warm-up; 0 times the first run")
            p.add_argument("--compile", action="store_true")
            p.add_argument("--channels-last", action="store_true")
        else:
            p.add_argument("--image", required=True)
            p.add_argument("--out", required=True)
    args = parser.parse_args()
    if args.command == "checkpoint":
        build_checkpoint(args.size, args.tokenizer, args.out, args.seed)
    elif args.command == "run":
        call(load(args.model), Image.open(args.image).convert("RGB"), args)[0].save(args.out)
    elif args.command == "golden":
        golden(args)
    else:
        measure(args)


if __name__ == "__main__":
    main()
