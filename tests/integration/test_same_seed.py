"""The same seed is the same picture, whichever way it is asked for and beside whom."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from client import Client
from pictures import largest_difference

# Kernels may add up in another order where the batch has another size.
ALLOWED_LEVELS = 1

WAYS = ["upscale_rest", "upscale_unary", "upscale_stream"]
SETTINGS = {"prompt": "a vivid photo", "guidance_scale": 8, "seed": 1234}


@pytest.fixture(scope="module")
def expected(client: Client, picture):
    return client.upscale_rest(picture, **SETTINGS)[0].array


def at_once(function, arguments):
    arguments = list(arguments)
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(function, arguments))


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_bytes_when_nothing_else_runs(
    client: Client, picture, expected, way
):
    upscaled = getattr(client, way)(picture, **SETTINGS)[0]

    assert upscaled.seed == SETTINGS["seed"]
    assert largest_difference(upscaled.array, expected) == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_picture_in_a_batch(
    client: Client, picture, expected, way
):
    def upscale(prompt):
        return getattr(client, way)(picture, **SETTINGS | {"prompt": prompt})[0].array

    prompts = [SETTINGS["prompt"]] * 5 + ["a dark cave", "", "snow"]

    arrays = at_once(upscale, prompts)[:5]

    worst = max(largest_difference(array, expected) for array in arrays)
    assert worst <= ALLOWED_LEVELS


def test_rows_did_share_steps(client: Client, picture):
    """Otherwise the tests above would prove nothing."""
    before = client.server.metric("upscaler_step_batch_size_bucket", le="1")
    steps_before = client.server.metric("upscaler_step_batch_size_count")

    at_once(lambda seed: client.upscale_rest(picture, seed=seed, num_inference_steps=8), range(8))

    alone = client.server.metric("upscaler_step_batch_size_bucket", le="1") - before
    steps = client.server.metric("upscaler_step_batch_size_count") - steps_before
    assert alone < steps < 8 * 8


def test_other_seeds_and_prompts_give_other_pictures(client: Client, picture, expected):
    for other in ({"seed": 1235}, {"prompt": "a dark cave"}, {"guidance_scale": 2}):
        array = client.upscale_rest(picture, **SETTINGS | other)[0].array
        assert largest_difference(array, expected) > 0, other


def test_without_a_seed_the_answer_names_the_one_that_was_drawn(client: Client, picture):
    drawn = client.upscale_rest(picture)[0]

    again = client.upscale_rest(picture, seed=drawn.seed)[0]

    assert largest_difference(again.array, drawn.array) == 0
