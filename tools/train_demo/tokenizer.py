"""CLIP's byte-level BPE with a vocabulary of 2,048, so that the text encoder's table stays small."""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from .captions import EFFECTS, NOUNS, read_words

VOCABULARY = 2048
START, END = "<|startoftext|>", "<|endoftext|>"

# How CLIP cuts a text into words before it looks for pairs.
WORD_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def train_tokenizer(words_file: str, out: Path) -> None:
    """Writes the tokenizer's files into the folder <out>."""
    alphabet = _byte_alphabet()
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(WORD_PATTERN), "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 2, initial_alphabet=alphabet, end_of_word_suffix="</w>", show_progress=False)
    tokenizer.train_from_iterator(_corpus(words_file), trainer)

    vocabulary, merges = _in_clip_order(alphabet, json.loads(tokenizer.to_str())["model"]["merges"])
    out.mkdir(parents=True, exist_ok=True)
    (out / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False))
    (out / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges))
    _write_settings(out)

    check = CLIPTokenizer.from_pretrained(out)
    print(f"tokenizer: {len(vocabulary)} tokens; 'a cat' is {check('a cat').input_ids}")


def _byte_alphabet() -> list[str]:
    """A printable character for every byte, as GPT-2 chose them: its order is the order of the first ids."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(len(others))]


def _corpus(words_file: str) -> list[str]:
    """Every English word once, and the words that captions are made of so often that each becomes one token."""
    effects = " ".join(phrase for phrases in EFFECTS.values() for phrase in phrases).replace(",", "").split()
    usual = "a an the of in on with and at by from high low quality 4k hd".split()
    return read_words(words_file) + 300 * (NOUNS + effects + usual)


def _in_clip_order(alphabet: list[str], learned: list) -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Ids as CLIP numbers them: bytes, bytes that end a word, merges as learned, start, end."""
    tokens = alphabet + [character + "</w>" for character in alphabet]
    vocabulary = {token: i for i, token in enumerate(tokens)}
    merges = []
    for pair in learned:
        left, right = pair.split(" ") if isinstance(pair, str) else pair
        if left + right not in vocabulary and len(vocabulary) < VOCABULARY - 2:
            vocabulary[left + right] = len(vocabulary)
            merges.append((left, right))
    for token in (START, END):
        vocabulary[token] = len(vocabulary)
    return vocabulary, merges


def _write_settings(out: Path) -> None:
    def special(content: str) -> dict:
        return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    def added(content: str) -> dict:
        return {"__type": "AddedToken", **special(content)}

    settings = {
        "add_prefix_space": False, "bos_token": added(START), "do_lower_case": True, "eos_token": added(END),
        "errors": "replace", "model_max_length": 77, "pad_token": END, "tokenizer_class": "CLIPTokenizer",
        "unk_token": added(END),
    }
    specials = {"bos_token": special(START), "eos_token": special(END), "pad_token": END, "unk_token": special(END)}
    (out / "tokenizer_config.json").write_text(json.dumps(settings, indent=2))
    (out / "special_tokens_map.json").write_text(json.dumps(specials, indent=2))
