"""What can be said of the picture that comes back, at every door: its scale and its parts, its
format, its transparency, what is kept of what it says about itself."""

import grpc
import pytest
import requests

from client import QUICK, Client, field_of, messages, spec, specs
from pictures import SMALL, to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

# A value of each setting that is not its default, by its name in REST and in gRPC.
UNUSUAL = {
    "scale": (4, 4),
    "tile_size": (512, 512),
    "alpha": ("drop", specs.ALPHA_MODE_DROP),
    "metadata": ("strip", specs.METADATA_MODE_STRIP),
    "bit_depth": (16, 16),
    "lossless": (True, True),
    "embed_parameters": (False, False),
}
DEFAULTS = {
    "scale": (2, 2),
    "tile_size": (0, 0),
    "alpha": ("keep", specs.ALPHA_MODE_KEEP),
    "metadata": ("keep", specs.METADATA_MODE_KEEP),
    "bit_depth": (8, 8),
    "lossless": (False, False),
    "embed_parameters": (True, True),
}
REST, GRPC = 0, 1


def values(settings: dict, door: int) -> dict:
    return {name: both[door] for name, both in settings.items()}


def chosen(settings: dict, wanted: dict) -> dict:
    """Of settings that were told, those that are named in `wanted`."""
    return {name: settings[name] for name in wanted}


def of_spec(told, wanted: dict) -> dict:
    return {name: getattr(told, name) for name in wanted}


@pytest.fixture(scope="module")
def client(leaving):
    """Of a server around the stand-in for the model."""
    process = ServerProcess(program=DELAY_SERVER)
    yield Client(process)
    process.end()
    leaving.append(process)


@pytest.mark.parametrize("settings", [UNUSUAL, DEFAULTS], ids=["unusual", "default"])
def test_every_way_takes_the_settings_and_tells_them(client: Client, settings):
    form = client.post(SMALL, **QUICK, **values(settings, REST)).json()
    stream = next(client.start_stream(SMALL, **QUICK, **values(settings, GRPC))).accepted
    request = messages.UpscaleRequest(spec=spec(**QUICK, **values(settings, GRPC)), image=SMALL)
    unary = client.stub.Upscale(request, timeout=PATIENCE)

    assert chosen(form["parameters"], settings) == values(settings, REST)
    assert of_spec(stream.effective_spec, settings) == values(settings, GRPC)
    assert of_spec(unary.effective_spec, settings) == values(settings, GRPC)


def test_what_is_left_out_is_told_with_its_default(client: Client):
    form = client.post(SMALL, **QUICK).json()
    stream = next(client.start_stream(SMALL, **QUICK)).accepted
    capabilities = requests.get(f"{client.server.rest_url}/v1/capabilities").json()

    assert chosen(form["parameters"], DEFAULTS) == values(DEFAULTS, REST)
    assert chosen(capabilities["defaults"], DEFAULTS) == values(DEFAULTS, REST)
    assert of_spec(stream.effective_spec, DEFAULTS) == values(DEFAULTS, GRPC)


@pytest.mark.parametrize("scale, side", [(2, 32), (4, 64)])
def test_the_size_that_will_come_back_is_told_before_it_does(client: Client, scale, side):
    accepted = next(client.start_stream(SMALL, **QUICK, scale=scale)).accepted
    estimate = client.stub.EstimateUpscale(
        messages.EstimateUpscaleRequest(
            spec=spec(scale=scale), image_size=specs.ImageSize(width=16, height=16)
        ),
        timeout=PATIENCE,
    )

    assert accepted.output_size == specs.ImageSize(width=side, height=side)
    assert accepted.tile_count == 1
    assert estimate.output_size == accepted.output_size
    assert estimate.tile_count == 1


@pytest.mark.parametrize("media_type", ["image/tiff", "image/avif"])
@pytest.mark.parametrize("way", ["field", "accept"])
def test_other_formats_come_back_however_they_are_asked_for(client: Client, way, media_type):
    response = requests.post(
        f"{client.server.rest_url}/v1/images/upscale",
        files={"image": SMALL},
        data=QUICK | ({"output_format": media_type[6:]} if way == "field" else {}),
        headers={"Accept": media_type if way == "accept" else "image/png"},
        timeout=PATIENCE,
    )

    assert response.headers["Content-Type"] == media_type
    assert to_array(response.content).shape == (32, 32, 3)


@pytest.mark.parametrize(
    "field, fields",
    [
        ("scale", {"scale": 3}),
        ("tile_size", {"tile_size": 63}),
        ("tile_size", {"tile_size": 4097}),
        ("bit_depth", {"bit_depth": 12}),
        ("bit_depth", {"bit_depth": 16, "output_format": specs.IMAGE_FORMAT_JPEG}),
        ("bit_depth", {"bit_depth": 16, "output_format": specs.IMAGE_FORMAT_AVIF}),
        ("alpha", {"alpha": 9}),
        ("metadata", {"metadata": 9}),
        ("output_format", {"output_format": 9}),
    ],
)
def test_what_cannot_be_is_named_by_grpc(client: Client, field, fields):
    with pytest.raises(grpc.RpcError) as refused:
        client.upscale_unary(SMALL, **fields)

    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field_of(refused.value) == field


def test_16_bits_are_refused_of_the_format_that_accept_names(client: Client):
    response = requests.post(
        f"{client.server.rest_url}/v1/images/upscale",
        files={"image": SMALL},
        data={"bit_depth": 16},
        headers={"Accept": "image/webp"},
        timeout=PATIENCE,
    )

    assert response.status_code == 400
    assert response.json()["error"]["param"] == "bit_depth"


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_same_key_with_another_setting_is_another_order(client: Client, name):
    def order(**fields) -> requests.Response:
        return requests.post(
            f"{client.server.rest_url}/v1/images/upscale",
            files={"image": SMALL},
            data=QUICK | {"seed": 1} | fields,
            headers={"Idempotency-Key": f"key-of-{name}"},
            timeout=PATIENCE,
        )

    assert order().status_code == 200
    assert order(**{name: values(DEFAULTS, REST)[name]}).status_code == 200
    assert order(**{name: values(UNUSUAL, REST)[name]}).status_code == 409
