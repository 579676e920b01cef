"""What cannot be served is refused with the field's name, and the server goes on."""

import math

import grpc
import pytest
import requests
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from client import QUICK, Client, messages, spec
from pictures import make_picture
from server_process import PATIENCE, ServerProcess

PICTURE = make_picture()

# name -> what the form has instead, and the field that the answer must name.
BAD_FORMS = {
    "not a picture": ({"picture": b"hello, I am not a picture"}, "image"),
    "empty file": ({"picture": b""}, "image"),
    "missing image": ({"picture": None}, "image"),
    "truncated PNG": ({"picture": PICTURE[: len(PICTURE) // 2]}, "image"),
    "prompt of 20,000 bytes": ({"prompt": "x" * 20_000}, "prompt"),
    "negative prompt of 20,000 bytes": ({"negative_prompt": "x" * 20_000}, "negative_prompt"),
    "no steps": ({"num_inference_steps": 0}, "num_inference_steps"),
    "steps below 0": ({"num_inference_steps": -1}, "num_inference_steps"),
    "a billion steps": ({"num_inference_steps": 1_000_000_000}, "num_inference_steps"),
    "steps in words": ({"num_inference_steps": "many"}, "num_inference_steps"),
    "n of 0": ({"n": 0}, "n"),
    "n of 11": ({"n": 11}, "n"),
    "guidance that is no number": ({"guidance_scale": "nan"}, "guidance_scale"),
    "guidance below 0": ({"guidance_scale": -1}, "guidance_scale"),
    "guidance of 51": ({"guidance_scale": 51}, "guidance_scale"),
    "seed below 0": ({"seed": -1}, "seed"),
    "unknown output_format": ({"output_format": "bmp"}, "output_format"),
    "another model": ({"model": "another"}, "model"),
}

# The same by gRPC, as far as its types let it be said.
BAD_SPECS = {
    "not a picture": ({"image": b"hello, I am not a picture"}, "image"),
    "missing image": ({"image": b""}, "image"),
    "truncated PNG": ({"image": PICTURE[: len(PICTURE) // 2]}, "image"),
    "prompt of 20,000 bytes": ({"prompt": "x" * 20_000}, "prompt"),
    "no steps": ({"num_inference_steps": 0}, "num_inference_steps"),
    "a billion steps": ({"num_inference_steps": 1_000_000_000}, "num_inference_steps"),
    "image_count of 0": ({"image_count": 0}, "image_count"),
    "image_count of 11": ({"image_count": 11}, "image_count"),
    "guidance that is no number": ({"guidance_scale": math.nan}, "guidance_scale"),
    "guidance below 0": ({"guidance_scale": -1}, "guidance_scale"),
    "guidance of 51": ({"guidance_scale": 51}, "guidance_scale"),
    "unknown output_format": ({"output_format": 99}, "output_format"),
    "quality of 101": ({"quality": 101}, "quality"),
}


@pytest.fixture(autouse=True, scope="module")
def server_still_answers_afterwards(client: Client):
    yield
    assert client.upscale_rest(PICTURE)[0].array.shape == (128, 128, 3)
    assert client.upscale_stream(PICTURE)[0].array.shape == (128, 128, 3)


def check_error(response: requests.Response, status: int, param: str | None) -> None:
    error = response.json()["error"]
    assert response.status_code == status, error
    assert set(error) == {"message", "type", "param", "code"}
    assert error["param"] == param
    assert error["message"]
    assert response.headers["x-should-retry"] == "false"
    assert response.headers["X-Request-Id"]


@pytest.mark.parametrize("name", BAD_FORMS)
def test_rest_refuses(client: Client, name):
    fields, param = BAD_FORMS[name]

    response = client.post(**{"picture": PICTURE} | QUICK | fields)

    check_error(response, 400, param)


@pytest.mark.parametrize("name", BAD_SPECS)
@pytest.mark.parametrize("way", ["Upscale", "UpscaleStream"])
def test_grpc_refuses(client: Client, way, name):
    fields, field = BAD_SPECS[name]
    fields = QUICK | fields
    image = fields.pop("image", PICTURE)

    with pytest.raises(grpc.RpcError) as raised:
        if way == "Upscale":
            client.stub.Upscale(messages.UpscaleRequest(spec=spec(**fields), image=image))
        else:
            list(client.start_stream(image, **fields))

    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    details = rpc_status.from_call(raised.value).details
    values = {detail.TypeName(): detail.value for detail in details}
    info = error_details_pb2.ErrorInfo.FromString(values["google.rpc.ErrorInfo"])
    bad_request = error_details_pb2.BadRequest.FromString(values["google.rpc.BadRequest"])
    assert info.domain == "upscaler" and info.reason
    assert bad_request.field_violations[0].field == field


def test_a_stream_that_does_not_begin_with_start_is_refused(client: Client):
    chunk = messages.UpscaleStreamRequest(chunk=messages.UpscaleStreamRequest.Chunk(data=PICTURE))

    with pytest.raises(grpc.RpcError) as raised:
        list(client.stub.UpscaleStream(iter([chunk])))

    assert raised.value.code() == grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "method, path, content_type, body, status, param",
    [
        ("POST", "/v1/images/upscale", "application/json", "{this is not JSON", 400, None),
        ("POST", "/v1/images/upscale", "application/json", "[1, 2]", 400, None),
        ("POST", "/v1/images/upscale", "application/json", '{"image": 5}', 400, "image"),
        ("POST", "/v1/images/upscale", "multipart/form-data; boundary=x", "no parts", 400, None),
        ("POST", "/v1/images/upscale", "multipart/form-data", "no boundary", 400, None),
        ("POST", "/v1/images/upscale", "text/plain", "hello", 415, None),
        ("POST", "/v1/images/upscale", None, "hello", 415, None),
        ("GET", "/v1/images/upscale", None, None, 405, None),
        ("POST", "/livez", None, None, 405, None),
        ("GET", "/v1/images/downscale", None, None, 404, None),
        ("GET", "/../etc/passwd", None, None, 404, None),
    ],
)
def test_rest_refuses_what_is_no_form(
    server: ServerProcess, method, path, content_type, body, status, param
):
    headers = {} if content_type is None else {"Content-Type": content_type}

    response = requests.request(
        method, server.rest_url + path, data=body, headers=headers, timeout=PATIENCE
    )

    check_error(response, status, param)


def test_a_wrong_method_is_told_the_right_one(server: ServerProcess):
    response = requests.get(f"{server.rest_url}/v1/images/upscale")

    assert "POST" in response.headers["Allow"]


def test_an_upload_that_is_too_large_is_refused(start_server):
    server = start_server("--max-upload-mib=1")

    response = Client(server).post(b"x" * (2 << 20))

    check_error(response, 413, "image")


def test_a_picture_with_too_many_pixels_is_refused(start_server):
    client = Client(start_server("--max-input-pixels=4096"))

    check_error(client.post(make_picture(65, 64)), 413, "image")
    assert client.upscale_rest(make_picture(64, 64))[0].array.shape == (128, 128, 3)
