"""Pictures that are resized before they are upscaled: the answer is twice the size asked for."""

import base64
from collections.abc import Iterator

import grpc
import numpy as np
import pytest
import requests

from client import QUICK, Client, field_of, messages, reason_of, spec, specs
from pictures import SMALL, make_picture, to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

UPSCALE = "/v1/images/upscale"


@pytest.fixture(scope="module")
def client(leaving) -> Iterator[Client]:
    """Of a server around the stand-in for the model, which repeats pixels."""
    process = ServerProcess("--max-input-pixels=4096", program=DELAY_SERVER)
    yield Client(process)
    process.end()
    leaving.append(process)


def resize_to(width: int, height: int) -> specs.ImageSize:
    return specs.ImageSize(width=width, height=height)


def refusal(client: Client, size: specs.ImageSize, picture: bytes = SMALL) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as refused:
        client.upscale_unary(picture, resize_to=size)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    return refused.value


@pytest.mark.parametrize("width, height", [(1, 1), (37, 53), (61, 64), (7, 60)])
def test_every_way_gives_exactly_twice_the_size_and_the_same(client: Client, width, height):
    picture = make_picture(50, 40)

    answers = [
        client.upscale_rest(picture, seed=1, size=f"{width}x{height}"),
        client.upscale_unary(picture, seed=1, resize_to=resize_to(width, height)),
        client.upscale_stream(picture, seed=1, resize_to=resize_to(width, height)),
    ]

    rest, unary, stream = (answer[0].array for answer in answers)
    assert rest.shape == (2 * height, 2 * width, 3)
    assert np.array_equal(rest, unary) and np.array_equal(rest, stream)
    # What was resized is the input, not the answer.
    assert np.array_equal(rest, rest[::2, ::2].repeat(2, axis=0).repeat(2, axis=1))


def test_the_size_of_the_picture_itself_and_auto_change_nothing(client: Client):
    picture = make_picture(37, 53)

    plain, auto, same = (
        client.upscale_rest(picture, seed=1, **fields)[0].array
        for fields in ({}, {"size": "auto"}, {"size": "37x53"})
    )

    assert np.array_equal(plain, to_array(picture).repeat(2, axis=0).repeat(2, axis=1))
    assert np.array_equal(auto, plain) and np.array_equal(same, plain)


def test_the_settings_tell_the_size(client: Client):
    resized = client.post(SMALL, **QUICK, size="20x30").json()
    plain = client.post(SMALL, **QUICK).json()
    accepted = next(client.start_stream(SMALL, **QUICK, resize_to=resize_to(20, 30))).accepted

    assert resized["parameters"]["size"] == "20x30"
    assert (resized["data"][0]["width"], resized["data"][0]["height"]) == (40, 60)
    assert "size" not in plain["parameters"]
    assert accepted.effective_spec.resize_to == resize_to(20, 30)
    assert accepted.input_size == resize_to(20, 30)
    assert accepted.output_size == resize_to(40, 60)


@pytest.mark.parametrize("size", ["64", "64X64", "64 x 64", "0x64", "64x65536", "64x1e9", "-1x64"])
@pytest.mark.parametrize("way", ["form", "json"])
def test_a_bad_size_is_named_by_rest(client: Client, way, size):
    url = client.server.rest_url + UPSCALE
    if way == "form":
        response = client.post(SMALL, size=size)
    else:
        body = {"image": base64.b64encode(SMALL).decode(), "size": size}
        response = requests.post(url, json=body, timeout=PATIENCE)

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "size"
    assert response.json()["error"]["message"].startswith("size: ")


def test_a_size_that_is_too_large_is_refused_as_a_picture_is(client: Client):
    response = client.post(SMALL, size="100x100")
    refused = refusal(client, resize_to(100, 100))

    assert response.status_code == 413
    assert response.json()["error"]["param"] == "size"
    assert response.json()["error"]["code"] == "too_many_pixels"
    assert (field_of(refused), reason_of(refused)) == ("resize_to", "TOO_MANY_PIXELS")


def test_a_picture_that_is_too_large_is_refused_however_small_it_becomes(client: Client):
    refused = refusal(client, resize_to(16, 16), make_picture(100, 100))

    assert (field_of(refused), reason_of(refused)) == ("image", "TOO_MANY_PIXELS")


@pytest.mark.parametrize(
    "size, side", [((0, 16), "width"), ((16, 65536), "height"), ((0, 0), "width")]
)
def test_a_side_out_of_range_is_named_by_grpc(client: Client, size, side):
    assert field_of(refusal(client, resize_to(*size))) == f"resize_to.{side}"


def test_latents_are_not_resized(client: Client):
    info = specs.LatentsInfo(
        family=specs.LATENTS_FAMILY_SERVED_MODEL,
        data_type=specs.TENSOR_DATA_TYPE_FLOAT32,
        height=2,
        width=2,
    )
    request = messages.UpscaleRequest(
        spec=spec(resize_to=resize_to(16, 16)), latents=specs.Latents(info=info, data=bytes(64))
    )

    with pytest.raises(grpc.RpcError) as refused:
        client.stub.Upscale(request, timeout=PATIENCE)

    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field_of(refused.value) == "resize_to"


def test_an_estimate_is_of_the_size_that_is_upscaled(client: Client):
    def estimate(width: int, height: int, **fields):
        request = messages.EstimateUpscaleRequest(
            spec=spec(**fields), image_size=resize_to(width, height)
        )
        return client.stub.EstimateUpscale(request, timeout=PATIENCE)

    plain = estimate(32, 16)
    resized = estimate(60, 50, resize_to=resize_to(32, 16))

    assert resized.output_size == resize_to(64, 32)
    assert resized.effective_spec.resize_to == resize_to(32, 16)
    assert resized.device_memory_bytes == plain.device_memory_bytes
    # The picture as it came is held beside.
    assert resized.host_memory_bytes == plain.host_memory_bytes + 60 * 50 * 3
