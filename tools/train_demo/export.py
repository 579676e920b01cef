"""Puts the trained parts together as a checkpoint folder, in the layout and the names of the published model."""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

PARTS = {
    "scheduler": ["diffusers", "EulerDiscreteScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def export(trained: Path, out: Path) -> None:
    """Copies <trained> to <out>, with weights in fp16."""
    for part in PARTS:
        shutil.copytree(trained / part, out / part, dirs_exist_ok=True)
    for weights in out.glob("*/*.safetensors"):
        tensors = load_file(weights)
        if weights.parent.name == "text_encoder":  # the published names begin so; newer transformers leave it out
            tensors = {"text_model." + name.removeprefix("text_model."): tensor for name, tensor in tensors.items()}
        save_file({name: _halved(tensor) for name, tensor in tensors.items()}, weights, {"format": "pt"})
    index = {"_class_name": "StableDiffusionLatentUpscalePipeline", "_diffusers_version": "0.15.0.dev0", **PARTS}
    (out / "model_index.json").write_text(json.dumps(index, indent=2) + "\n")
    print(f"export: {sum(path.stat().st_size for path in out.rglob('*') if path.is_file())} bytes in {out}")


def _halved(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half().contiguous() if tensor.is_floating_point() else tensor.contiguous()
