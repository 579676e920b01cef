#!/usr/bin/env python3
"""Makes expectations.json: texts, and what the reference makes of them.

Needs: pip install transformers==5.23.0
"""

import json
import pathlib
import random
import shutil
import tempfile
import unicodedata

from transformers import CLIPTokenizer

HERE = pathlib.Path(__file__).resolve().parent
DEMO = HERE.parents[2] / "checkpoints" / "demo" / "tokenizer"

PHRASES = (
    "a photo of an astronaut, high resolution, unreal engine; ultra realistic|don't|WE'LL|I'M|it's|"
    "they've|you're|he'd|'s|1234|1.5x|½|Ⅷ|x²|naïve|Über-Café|ÉCOLE|Straße|İstanbul|ΑΣ|ǅ|ﬁne|Ａｂｃ|数字|"
    "漢字かな|カタカナ|한국어|ไทย|हिन्दी|العربية|עברית|😀|👍🏽|👨‍👩‍👧|🇩🇪|’|“q”|…|<|startoftext|>|<|endoftext|>|"
    "<|STARTOFTEXT|>|<|EndOfText|>!!|</w>|\t|\r\n|\u00a0|\u2003|\u200b|\u3000|\u0085|\u001c|\u0000|"
    "\ufeff|###|--|?!|$100|a_b|x@y.z|e\u0301|o\u0308\u0323|\u1e9b\u0323|\u212b|\u1100\u1161\u11a8|\u0f43"
)
# Cut apart at single bars; the special tokens keep theirs.
PHRASES = [p.replace("\1", "<|").replace("\2", "|>") for p in
           PHRASES.replace("<|", "\1").replace("|>", "\2").split("|")]
RANGES = [(0x20, 0x7F), (0x0, 0x20), (0x80, 0x250), (0x250, 0x700), (0x900, 0xE80), (0x1E00, 0x2400),
          (0x3000, 0x3400), (0x4E00, 0x5000), (0xAC00, 0xAC80), (0xF900, 0xFFFE), (0x300, 0x370),
          (0x1F300, 0x1F700), (0x10000, 0x10500), (0x1D400, 0x1D800)]
TEXTS = 200


def random_character(rng: random.Random) -> str:
    while True:
        character = chr(rng.randrange(*rng.choice(RANGES)))
        if unicodedata.category(character) not in ("Cn", "Cs", "Co"):
            return character


def random_text(rng: random.Random) -> str:
    parts = [lambda: rng.choice(PHRASES), lambda: random_character(rng),
             lambda: rng.choice("abcdefghijklmnopqrstuvwxyz' ")]
    chosen = rng.choice([parts[:1], parts[1:2], parts])
    return "".join(rng.choice(chosen)() + rng.choice(["", " "]) for _ in range(rng.randrange(1, 24)))


def clip_folder(folder: pathlib.Path) -> pathlib.Path:
    """CLIP's tokenizer: its vocabulary follows from its merges."""
    merges = (HERE / "clip_merges.txt").read_text(encoding="utf-8")
    table = [*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324)]
    symbols = [chr(code_point) for code_point in table]
    symbols += [symbol + "</w>" for symbol in symbols]
    symbols += ["".join(line.split()) for line in merges.splitlines()[1:]]
    symbols += ["<|startoftext|>", "<|endoftext|>"]
    ids = {symbol: index for index, symbol in enumerate(symbols)}
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "merges.txt").write_text(merges, encoding="utf-8")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(DEMO / name, folder)
    return folder


def main() -> None:
    rng = random.Random(20)
    texts = ["", *(random_text(rng) for _ in range(TEXTS - 1))]
    with tempfile.TemporaryDirectory() as folder:
        tokenizers = {
            "demo": CLIPTokenizer.from_pretrained(DEMO),
            "clip": CLIPTokenizer.from_pretrained(clip_folder(pathlib.Path(folder))),
        }
        rows = [{"text": text, **{name: tokenizer(text, truncation=True, max_length=77).input_ids
                                  for name, tokenizer in tokenizers.items()}} for text in texts]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / "expectations.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
