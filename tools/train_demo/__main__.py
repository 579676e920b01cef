"""Makes the demo checkpoint, stage by stage: python -m train_demo <stage> --work FOLDER. See README.md."""

import argparse
import random
from pathlib import Path

import numpy as np
import torch


def main() -> None:
    parser = argparse.ArgumentParser(prog="train_demo", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("work"), help="holds train/, eval/ and trained/")
    stages = parser.add_subparsers(dest="stage", required=True)
    pictures = stages.add_parser("pictures", help="gather the pictures")
    pictures.add_argument("--backgrounds", type=Path, default=Path("/usr/share/backgrounds"))
    pictures.add_argument("--site-packages", type=Path, required=True)
    tokenizer = stages.add_parser("tokenizer", help="train the tokenizer")
    vae = stages.add_parser("vae", help="train the autoencoder")
    unet = stages.add_parser("unet", help="train the UNet and the text encoder")
    for stage, minutes in ((vae, 8.0), (unet, 30.0)):
        stage.add_argument("--minutes", type=float, default=minutes)
    for stage in (tokenizer, unet):
        stage.add_argument("--words", default="/usr/share/dict/american-english")
    export = stages.add_parser("export", help="write a checkpoint folder")
    export.add_argument("--out", type=Path, required=True)
    evaluate = stages.add_parser("evaluate", help="measure a checkpoint through diffusers")
    evaluate.add_argument("--model", type=Path, required=True)
    evaluate.add_argument("--steps", type=int, nargs="+", default=[4, 8, 25])
    evaluate.add_argument("--guidance", type=float, nargs="+", default=[1.0, 8.0])
    evaluate.add_argument("--prompt", default="a photo")
    args = parser.parse_args()

    random.seed(3)
    np.random.seed(3)
    torch.manual_seed(3)
    run(args)


def run(args: argparse.Namespace) -> None:
    """Each stage is imported when it runs: the first needs no diffusers, the others no scikit-image."""
    trained = args.work / "trained"
    if args.stage == "pictures":
        from .pictures import gather_pictures
        gather_pictures(args.backgrounds, args.site_packages, args.work)
    elif args.stage == "tokenizer":
        from .tokenizer import train_tokenizer
        train_tokenizer(args.words, trained / "tokenizer")
    elif args.stage == "vae":
        from .vae import train_vae
        train_vae(args.work, trained, args.minutes)
    elif args.stage == "unet":
        from .train_unet import Training
        Training(args.work, trained, args.words).run(args.minutes)
    elif args.stage == "export":
        from .export import export
        export(trained, args.out)
    else:
        from .evaluate import evaluate
        evaluate(args.model, args.work / "eval", args.steps, args.guidance, args.prompt)


if __name__ == "__main__":
    main()
