"""What a caption may ask of the picture, in words and in pixels.

The demo model is far too small to know what things look like, so that a prompt
has one job only: to ask for an effect. Four of them are taught, among captions
that name all sorts of things and ask for nothing.
"""

import random

import torch
import torch.nn.functional as F

NOUNS = """photo photograph picture image painting drawing portrait landscape street city town village house building
castle bridge river lake sea ocean beach mountain hill forest tree flower rose leaf grass garden field sky cloud sunset
sunrise night snow rain cat dog bird horse fish butterfly animal person man woman child face eye hair hand car train boat
ship bicycle road window door table chair cup coffee food fruit apple bread wall stone rock brick wood metal glass fabric
texture pattern astronaut rocket moon star galaxy temple tower light shadow red green blue yellow orange purple white
brown golden old new small large beautiful""".split()

EFFECTS = {
    "sharp": ["sharp", "highly detailed", "crisp", "sharp focus", "high resolution", "detailed", "sharp, highly detailed"],
    "soft": ["blurry", "soft", "out of focus", "soft focus", "blurred", "soft, blurry", "low quality, blurry"],
    "bw": ["black and white", "monochrome", "grayscale", "greyscale", "black and white photo"],
    "vivid": ["vivid", "vivid colors", "colorful", "saturated", "vibrant"],
}

TEMPLATES = ["a photo of a {}", "{}", "a {}", "picture of {}, photo", "a painting of a {} and a {}", "{} {} {}"]


def read_words(path: str) -> list[str]:
    """The plain English words of a word list, one a line."""
    with open(path) as lines:
        words = [line.strip().lower() for line in lines]
    return [word for word in words if word.isalpha() and word.isascii()]


def draw_caption(rng: random.Random, words: list[str]) -> tuple[str, list[str]]:
    """A caption and the effects it asks for: often none, and sometimes the caption is empty.

    Nouns are drawn from any words at all 40 % of the time, so that an unknown word asks for nothing.
    """
    if rng.random() < 0.12:
        return "", []
    template = rng.choice(TEMPLATES)
    subject = template.format(*[rng.choice(NOUNS if rng.random() < 0.6 else words) for _ in range(template.count("{}"))])
    if rng.random() < 0.35:
        return subject, []
    effects = [rng.choice(list(EFFECTS))]
    if effects[0] in ("sharp", "soft") and rng.random() < 0.3:
        effects.append(rng.choice(["bw", "vivid"]))
    phrases = [rng.choice(EFFECTS[effect]) for effect in effects]
    if rng.random() < 0.8:
        phrases.insert(rng.randrange(len(phrases) + 1), subject)
    return ", ".join(phrases), effects


def apply_effects(picture: torch.Tensor, effects: list[str]) -> torch.Tensor:
    """The picture [1, 3, H, W] as guidance 8 should show it."""
    if "sharp" in effects:
        picture = picture + 0.6 * (picture - _blur(picture, 1.2))
    if "soft" in effects:
        picture = _blur(picture, 1.8)
    if "vivid" in effects or "bw" in effects:
        luma = (picture * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)
        picture = luma + (1.4 if "vivid" in effects else 0.0) * (picture - luma)
    return picture


def _blur(picture: torch.Tensor, sigma: float) -> torch.Tensor:
    kernel = torch.exp(-(torch.arange(-4, 5).float() ** 2) / (2 * sigma * sigma))
    kernel = kernel / kernel.sum()
    kernel = (kernel[:, None] * kernel[None]).expand(3, 1, 9, 9)
    return F.conv2d(F.pad(picture, (4,) * 4, "reflect"), kernel, groups=3)
