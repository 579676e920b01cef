"""REST as the clients that other services of this kind have call it: OpenAI's, LocalAI's,
Lemonade's."""

import base64
import threading
from collections.abc import Iterator

import openai
import pytest
import requests

from client import QUICK
from pictures import SMALL, to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    """Takes no time, and is called as OpenAI's clients would have it."""
    process = ServerProcess("--model-name=upscaler-1", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture
def busy(start_server) -> Iterator[ServerProcess]:
    """A server whose only place is taken, for seconds."""
    process = start_server("--queue-capacity=1", "--step-ms=15", program=DELAY_SERVER)
    long = {"num_inference_steps": 200}
    url = f"{process.rest_url}/v1/images/upscale"
    holder = threading.Thread(
        target=requests.post, args=(url,), kwargs={"files": {"image": SMALL}, "data": long}
    )
    holder.start()
    process.await_metric("upscaler_step_duration_seconds_count", at_least=1)
    yield process
    holder.join(PATIENCE)


class Upscaler(openai.OpenAI):
    """OpenAI's client, whose images.edit goes where pictures are upscaled."""

    def _prepare_options(self, options):
        if options.url == "/images/edits":
            options.url = "/images/upscale"
        return options


def client_of(server: ServerProcess, **options) -> Upscaler:
    return Upscaler(base_url=f"{server.rest_url}/v1", api_key="x", timeout=PATIENCE, **options)


def refusals(server: ServerProcess) -> float:
    """How many requests it has refused so far, whatever the reason."""
    counted = "upscaler_requests_total"
    return server.metric(counted, api="rest") - server.metric(counted, api="rest", code="OK")


def test_openais_client_lists_the_models(server: ServerProcess):
    client = client_of(server)

    models = list(client.models.list())

    assert [model.id for model in models] == ["upscaler-1"]
    assert client.models.retrieve("upscaler-1").object == "model"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


@pytest.mark.parametrize("one", [True, False])
def test_openais_client_gets_pictures(server: ServerProcess, one):
    image = ("in.png", SMALL)

    answer = client_of(server).images.edit(
        model="upscaler-1",
        image=image if one else [image],
        prompt="a cat",
        n=2,
        output_format="webp",
        output_compression=80,
        user="somebody",
    )

    assert [to_array(base64.b64decode(one.b64_json)).shape for one in answer.data] == [(32, 32, 3)] * 2
    assert answer.created > 0
    assert answer.output_format == "webp"


def test_openais_client_gets_previews_as_it_knows_them(server: ServerProcess):
    events = list(
        client_of(server).images.edit(
            image=("in.png", SMALL), prompt="a cat", stream=True, partial_images=2
        )
    )

    previews = [event for event in events if event.type == "image_upscale.partial_image"]
    assert [preview.partial_image_index for preview in previews] == [0, 1]
    assert events[-1].type == "image_upscale.completed"
    assert to_array(base64.b64decode(events[-1].b64_json)).shape == (32, 32, 3)


def test_openais_client_does_not_repeat_what_would_fail_again(server: ServerProcess):
    before = refusals(server)

    with pytest.raises(openai.BadRequestError) as raised:
        client_of(server, max_retries=3).images.edit(image=("in.png", SMALL), prompt="", n=11)

    assert raised.value.param == "n"
    assert raised.value.type == "invalid_request_error"
    assert refusals(server) - before == 1


def test_openais_client_comes_back_to_a_full_queue(busy: ServerProcess):
    with pytest.raises(openai.RateLimitError) as raised:
        client_of(busy, max_retries=0).images.edit(image=("in.png", SMALL), prompt="")
    assert raised.value.code == "queue_full"
    assert int(raised.value.response.headers["retry-after"]) >= 1
    before = refusals(busy)

    answer = client_of(busy, max_retries=5).images.edit(image=("in.png", SMALL), prompt="")

    assert len(answer.data) == 1
    # Its own patience, half a second at first, would have brought it back too early thrice.
    assert 1 <= refusals(busy) - before <= 2


def test_openais_client_is_told_which_key_is_missing(start_server, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("anna annas-key-0123456789abcdef\n")
    client = client_of(start_server(f"--api-keys-file={keys}", program=DELAY_SERVER))

    for call in (client.models.list, lambda: client.images.edit(image=SMALL, prompt="")):
        with pytest.raises(openai.AuthenticationError) as raised:
            call()
        assert raised.value.code == "api_key_unknown"


def test_localais_clients_get_a_url(server: ServerProcess):
    answer = requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": SMALL},
        data={"model": "upscaler-1", "scale": "2", "response_format": "url", **QUICK},
    ).json()

    picture = base64.b64decode(answer["data"][0]["url"].removeprefix("data:image/png;base64,"))
    assert to_array(picture).shape == (32, 32, 3)


def test_lemonades_clients_get_base64(server: ServerProcess):
    answer = requests.post(
        f"{server.rest_url}/v1/images/upscale",
        json={"model": "upscaler-1", "image": base64.b64encode(SMALL).decode()},
    ).json()

    assert to_array(base64.b64decode(answer["data"][0]["b64_json"])).shape == (32, 32, 3)
