"""Exactly twice the size, whatever the size; and exactly as many pictures as were asked for."""

import pytest

from client import Client
from pictures import largest_difference, make_picture

WAYS = ["upscale_rest", "upscale_unary", "upscale_stream"]


@pytest.mark.parametrize("width, height", [(1, 1), (37, 53), (64, 65), (130, 2)])
def test_odd_sizes_come_back_doubled(client: Client, width, height):
    upscaled = client.upscale_rest(make_picture(width, height))[0]

    assert upscaled.array.shape == (2 * height, 2 * width, 3)


@pytest.mark.parametrize("way", WAYS)
def test_several_pictures_have_seeds_that_follow_each_other(client: Client, picture, way):
    upscaled = getattr(client, way)(picture, n=3, seed=41)

    assert [one.seed for one in upscaled] == [41, 42, 43]
    alone = client.upscale_rest(picture, seed=43)[0]
    assert largest_difference(upscaled[2].array, alone.array) <= 1
    assert largest_difference(upscaled[0].array, upscaled[1].array) > 0


def test_a_picture_larger_than_a_unary_answer_comes_by_the_stream(client: Client):
    upscaled = client.upscale_stream(make_picture(400, 300), num_inference_steps=1)[0]

    assert upscaled.array.shape == (600, 800, 3)
