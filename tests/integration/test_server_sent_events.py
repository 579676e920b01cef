"""REST clients that hear of their picture while it is made."""

import base64
import io
import itertools
import json
from collections.abc import Iterator

import pytest
import requests
from PIL import Image

from server_process import DELAY_SERVER, PATIENCE, ServerProcess

STEPS = 6


def events(server: ServerProcess, picture: bytes, **fields) -> Iterator[dict]:
    """The data of each event, whose frame is held against the standard."""
    with requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": picture},
        data={"stream": "true", **fields},
        stream=True,
        timeout=PATIENCE,
    ) as response:
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "text/event-stream"
        lines = response.iter_lines(decode_unicode=True)
        for line in lines:
            if not line or line.startswith(":"):
                continue
            name, number, data = line, next(lines), next(lines)
            event = json.loads(data.removeprefix("data: "))
            assert name == f"event: {event['type']}"
            assert number == f"id: {event['sequence']}"
            assert next(lines) == ""
            yield event


def kinds(of: list[dict]) -> list[str]:
    return [
        kind.removeprefix("image_upscale.")
        for kind, _ in itertools.groupby(event["type"] for event in of)
    ]


def test_progress_comes_in_order_and_pictures_last(server: ServerProcess, picture):
    heard = list(events(server, picture, num_inference_steps=STEPS, n=2, seed=3))

    assert kinds(heard) == ["queued", "progress", "completed"]
    assert {event["id"] for event in heard} == {heard[0]["id"]}
    numbers = [event["sequence"] for event in heard]
    assert numbers == sorted(set(numbers))
    progress = [event for event in heard if event["type"] == "image_upscale.progress"]
    assert (progress[-1]["step"], progress[-1]["total_steps"]) == (2 * STEPS,) * 2


def test_the_pictures_are_those_of_a_plain_answer(server: ServerProcess, picture):
    fields = {"num_inference_steps": STEPS, "n": 2, "seed": 3}
    plain = requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": picture},
        data=fields,
        timeout=PATIENCE,
    ).json()

    heard = list(events(server, picture, **fields))

    completed = [event for event in heard if event["type"] == "image_upscale.completed"]
    assert [event["b64_json"] for event in completed] == [one["b64_json"] for one in plain["data"]]
    assert [event["seed"] for event in completed] == [3, 4]
    assert [event["size"] for event in completed] == ["128x128"] * 2
    assert completed[0]["parameters"] == plain["parameters"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_as_many_partial_images_come_as_were_asked_for(server: ServerProcess, picture, count):
    heard = events(server, picture, num_inference_steps=STEPS, partial_images=count)

    partial = [event for event in heard if event["type"] == "image_upscale.partial_image"]
    assert [event["partial_image_index"] for event in partial] == list(range(count))
    for event in partial:
        image = Image.open(io.BytesIO(base64.b64decode(event["b64_json"])))
        assert image.format == "JPEG"
        assert f"{image.width}x{image.height}" == event["size"]


def test_bad_input_keeps_its_status(server: ServerProcess):
    answer = requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": b"not a picture"},
        data={"stream": "true"},
        timeout=PATIENCE,
    )

    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "image"


def test_a_closed_socket_ends_the_work(start_server, picture):
    server = start_server("--step-ms=20", program=DELAY_SERVER)

    stream = events(server, picture, num_inference_steps=200)
    assert any(event["type"] == "image_upscale.progress" for event in stream)
    stream.close()

    server.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED", api="rest")
    assert server.metric("upscaler_rows_admitted") == 0


def test_a_draining_server_ends_its_streams_in_words(start_server, picture):
    server = start_server("--step-ms=50", "--drain-seconds=0", program=DELAY_SERVER)

    stream = events(server, picture, num_inference_steps=200)
    assert any(event["type"] == "image_upscale.progress" for event in stream)
    server.end()

    *_, last = stream
    assert last["type"] == "image_upscale.error"
    assert last["error"]["code"] == "draining"
