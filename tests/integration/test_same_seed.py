"""The same seed is the same picture, whichever way it is asked for and beside whom."""

import itertools

import pytest

from client import Client, at_once
from pictures import largest_difference
from server_process import total

# Kernels may add up in another order where the batch has another size.
ALLOWED_LEVELS = 1

WAYS = ["upscale_rest", "upscale_unary", "upscale_stream"]
SETTINGS = {
    "prompt": "a vivid photo",
    "guidance_scale": 8,
    "seed": 1234,
    "num_inference_steps": 6,
}


@pytest.fixture(scope="module")
def expected(client: Client, picture):
    return client.upscale_rest(picture, **SETTINGS)[0].array


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_gives_the_same_bytes_when_nothing_else_runs(
    client: Client, picture, expected, way
):
    upscaled = getattr(client, way)(picture, **SETTINGS)[0]

    assert upscaled.seed == SETTINGS["seed"]
    assert largest_difference(upscaled.array, expected) == 0


@pytest.mark.parametrize(
    "others",
    [[SETTINGS["prompt"]] * 3, ["a dark cave", "", "snow"]],
    ids=["of one prompt", "of several prompts"],
)
def test_the_same_seed_gives_the_same_picture_in_a_batch(start_server, picture, expected, others):
    # This server has yet to find out what batches of this size are worth, and so makes them.
    client = Client(start_server("--warm-up-seconds=0"))

    def upscale(way_and_prompt):
        way, prompt = way_and_prompt
        return getattr(client, way)(picture, **SETTINGS | {"prompt": prompt})[0].array

    ways = itertools.cycle(WAYS)
    arrays = at_once(upscale, zip(ways, [SETTINGS["prompt"]] * 5 + others))[:5]

    worst = max(largest_difference(array, expected) for array in arrays)
    assert worst <= ALLOWED_LEVELS
    samples = client.server.scrape()
    alone = total(samples, "upscaler_step_batch_size_bucket", le="1")
    assert alone < total(samples, "upscaler_step_batch_size_count"), "no rows shared a step"


def test_two_replicas_give_the_same_pictures_as_one(start_server, picture, expected):
    server = start_server("--devices=cpu,cpu")
    client = Client(server)

    pictures = at_once(lambda _: client.upscale_stream(picture, **SETTINGS)[0], range(6))

    worst = max(largest_difference(picture.array, expected) for picture in pictures)
    assert worst <= ALLOWED_LEVELS
    assert server.metric("upscaler_replica_up", device="cpu") == 2


def test_other_seeds_and_prompts_give_other_pictures(client: Client, picture, expected):
    for other in ({"seed": 1235}, {"prompt": "a dark cave"}, {"guidance_scale": 2}):
        array = client.upscale_rest(picture, **SETTINGS | other)[0].array
        assert largest_difference(array, expected) > 0, other


def test_without_a_seed_the_answer_names_the_one_that_was_drawn(client: Client, picture):
    drawn = client.upscale_rest(picture)[0]

    again = client.upscale_rest(picture, seed=drawn.seed)[0]

    assert largest_difference(again.array, drawn.array) == 0
