"""Pictures done in tiles: their seams cannot be told from the rest, and they are close to the
same done as a whole.

The picture is small, so that both ways are possible, and its tiles the smallest that there are.
"""

import io

import numpy as np
import pytest
from PIL import Image

from client import Client, at_once
from server_process import SOURCE

WIDTH, HEIGHT, TILE = 232, 176, 64
MULTIPLE = 8  # Of which the demo model wants the sides of pictures.
REDUCTION = 2  # Pixels of the answer that one of its latents stands for.
STEPS = {"num_inference_steps": 4, "guidance_scale": 1, "seed": 3, "prompt": "a photo"}

# Of 255 levels: what a tiled picture may differ from the same done as a whole. docs/pictures.md has
# what was measured. Noise is what a model that knows pictures is least sure of.
MOST_MEAN_DIFFERENCE = {"gradient": 1.5, "noise": 4.0, "astronaut": 2.0, "coffee": 2.0}

# Of a permutation test: how seldom lines chosen at random may look as much like seams as those where
# tiles meet. 1 % for all of the tests below together, by Bonferroni's rule.
SIGNIFICANCE = 0.01 / (2 * len(MOST_MEAN_DIFFERENCE))
PERMUTATIONS = 10_000


def gradient() -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 255, WIDTH), np.linspace(0, 255, HEIGHT))
    return np.stack([x, y, 255 - (x + y) / 2], axis=-1).astype(np.uint8)


def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def photograph(name: str) -> np.ndarray:
    whole = Image.open(SOURCE / f"docs/pictures/{name}.png").convert("RGB")
    return np.asarray(whole)[:HEIGHT, :WIDTH]


def make(kind: str) -> np.ndarray:
    makers = {"gradient": gradient, "noise": noise}
    return makers[kind]() if kind in makers else photograph(kind)


def to_png(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


def borders(length: int) -> list[int]:
    """Where tiles meet along an axis of the answer, as worker/tiling/tile_plan.cc has it: their
    edges, and where one hands over to the next. As few tiles as can be that overlap by a quarter,
    spread evenly over the multiples that the model takes."""
    overlap, ramp = TILE // 4, TILE // 8
    count = 1 + -(-(length - TILE) // (TILE - overlap))
    starts = [(length - TILE) // MULTIPLE * i // (count - 1) * MULTIPLE for i in range(count)]
    found = set()
    for this, following in zip(starts, starts[1:]):
        spare = this + TILE - following - ramp
        hand_over = following + spare // 2 // MULTIPLE * MULTIPLE
        found |= {following, this + TILE, hand_over, hand_over + ramp}
    return sorted(2 * position for position in found)


@pytest.fixture(scope="module", params=list(MOST_MEAN_DIFFERENCE))
def both_ways(client: Client, request) -> tuple[str, np.ndarray, np.ndarray]:
    """The kind of picture, done as a whole and in tiles."""
    png = to_png(make(request.param))
    whole = client.upscale_rest(png, tile_size=256, **STEPS)[0].array
    tiled = client.upscale_rest(png, tile_size=TILE, **STEPS)[0].array
    return request.param, whole.astype(float), tiled.astype(float)


def test_a_tiled_picture_is_close_to_the_whole(both_ways):
    kind, whole, tiled = both_ways

    difference = tiled - whole

    assert tiled.shape == (2 * HEIGHT, 2 * WIDTH, 3)
    assert np.abs(difference).max() > 0, "it was done as a whole"
    assert np.abs(difference).mean() < MOST_MEAN_DIFFERENCE[kind]
    assert np.abs(difference.mean()) < 0.75


@pytest.mark.parametrize("axis", [0, 1])
def test_borders_of_tiles_look_like_any_other_place(both_ways, axis):
    _, whole, tiled = both_ways
    # How far the tiled picture departs from going on as the whole does, from each line to the
    # next: a seam is a line where it does so more than elsewhere.
    error = np.moveaxis(tiled - whole, axis, 0)
    jumps = np.abs(np.diff(error, axis=0)).mean(axis=(1, 2))
    lines = np.array(borders(WIDTH if axis == 1 else HEIGHT)) - 1
    # Lines between two latents, as these are, jump more than those within one, everywhere.
    alike = np.arange(REDUCTION - 1, len(jumps), REDUCTION)
    assert set(lines) <= set(alike)

    rng = np.random.default_rng(0)
    chosen = [jumps[rng.choice(alike, len(lines), replace=False)].mean()
              for _ in range(PERMUTATIONS)]

    as_seam_like = np.mean(np.array(chosen) >= jumps[lines].mean())
    assert as_seam_like > SIGNIFICANCE


def test_errors_near_borders_are_those_of_anywhere(both_ways):
    _, whole, tiled = both_ways
    error = np.abs(tiled - whole).mean(axis=2)
    near = np.zeros_like(error, bool)
    for position in borders(HEIGHT):
        near[max(position - 4, 0) : position + 4] = True
    for position in borders(WIDTH):
        near[:, max(position - 4, 0) : position + 4] = True

    # In the mean, with what chance does to so many numbers.
    spread = error.std() / np.sqrt(near.sum() / 64)  # Neighbours of 8x8 go together.
    assert error[near].mean() < error[~near].mean() + 3 * spread


def test_tiles_do_not_change_with_what_is_beside_them(client: Client):
    png = to_png(photograph("astronaut"))
    alone = client.upscale_rest(png, tile_size=TILE, **STEPS)[0].array

    together = at_once(
        lambda prompt: client.upscale_rest(png, tile_size=TILE, **STEPS | {"prompt": prompt})[0],
        ["a photo", "something else"],
    )

    assert np.abs(together[0].array.astype(int) - alone.astype(int)).max() <= 1


def test_a_stream_says_in_how_many_tiles_and_how_far(client: Client):
    events = list(client.start_stream(to_png(photograph("coffee")), tile_size=TILE, **STEPS))

    accepted = next(event.accepted for event in events if event.HasField("accepted"))
    assert accepted.tile_count == 5 * 4
    fractions = [event.progress.fraction for event in events if event.HasField("progress")]
    assert fractions == sorted(fractions)
    assert len(fractions) > 2 * STEPS["num_inference_steps"]
    assert fractions[-1] < 1


def test_a_tiled_picture_that_is_given_up_leaves_its_place(client: Client):
    before = client.server.metric("upscaler_cancelled_total", stage="running")
    call = client.start_stream(to_png(noise()), tile_size=TILE, num_inference_steps=30)
    for event in call:
        if event.HasField("progress") and event.progress.fraction > 0:
            break

    call.cancel()

    client.server.await_metric("upscaler_cancelled_total", before + 1, stage="running")
