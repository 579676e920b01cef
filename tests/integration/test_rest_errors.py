"""Every error of docs/rest.md that a running server can be brought to."""

import base64
import socket
from collections.abc import Callable, Iterator

import pytest
import requests

from certificates import certificate
from client import QUICK
from pictures import SMALL, make_picture
from rest_error import check
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

UPSCALE = "/v1/images/upscale"
ANNA = "annas-key-0123456789abcdef"
BERT = "berts-key-0123456789abcdef"
CARL = "carls-key-0123456789abcdef"


def post(server: ServerProcess, picture: bytes = SMALL, key: str = "", **fields):
    return requests.post(
        server.rest_url + UPSCALE,
        files={"image": picture},
        data=QUICK | fields,
        headers={"X-API-Key": key} if key else {},
        timeout=PATIENCE,
    )


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    process = ServerProcess("--most-pixels=4096", "--max-upload-mib=1", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture
def start(start_server) -> Callable[..., ServerProcess]:
    """Starts a server around the stand-in for the model."""
    return lambda *options, **how: start_server(*options, program=DELAY_SERVER, **how)


@pytest.mark.parametrize(
    "field, value",
    [
        ("alpha", "white"),
        ("bit_depth", "12"),
        ("embed_parameters", "maybe"),
        ("guidance_scale", "-0.5"),
        ("guidance_scale", "50.5"),
        ("guidance_scale", "nan"),
        ("lossless", "maybe"),
        ("metadata", "some"),
        ("n", "0"),
        ("n", "11"),
        ("n", "1.5"),
        ("num_inference_steps", "0"),
        ("num_inference_steps", "201"),
        ("output_compression", "101"),
        ("output_format", "bmp"),
        ("partial_images", "4"),
        ("prompt", "x" * 10_001),
        ("negative_prompt", "x" * 10_001),
        ("response_format", "png"),
        ("scale", "3"),
        ("seed", "-1"),
        ("size", "64"),
        ("size", "64X64"),
        ("size", "0x64"),
        ("size", "64x65536"),
        ("stream", "maybe"),
        ("tile_size", "63"),
        ("tile_size", "4097"),
    ],
)
@pytest.mark.parametrize("way", ["form", "json"])
def test_a_field_out_of_range_is_named(server: ServerProcess, way, field, value):
    if way == "form":
        response = post(server, **{field: value})
    else:
        body = {"image": base64.b64encode(SMALL).decode(), field: value}
        response = requests.post(server.rest_url + UPSCALE, json=body, timeout=PATIENCE)

    check(response, 400, param=field)


@pytest.mark.parametrize("stream", ["false", "true"])
@pytest.mark.parametrize("picture", [b"", b"no picture", SMALL[:40]])
def test_what_is_no_picture_is_refused(server: ServerProcess, picture, stream):
    check(post(server, picture, stream=stream), 400, param="image")


@pytest.mark.parametrize(
    "method, path, how, status, code, param",
    [
        ("POST", UPSCALE, {"json": {}}, 400, "missing_required_parameter", "image"),
        ("POST", UPSCALE, {"json": {"model": "x", "image": ""}}, 400, "model_not_found", "model"),
        ("POST", UPSCALE, {"json": [1]}, 400, None, None),
        ("POST", UPSCALE, {"data": "x", "headers": {"Content-Type": "a/b"}}, 415, "unsupported_media_type", None),
        ("POST", UPSCALE, {"data": b"x" * (1 << 21), "headers": {"Content-Type": "application/json"}}, 413, "body_too_large", "image"),
        ("GET", "/nowhere", {}, 404, "not_found", None),
        ("GET", "/v1/models/another", {}, 404, "model_not_found", "model"),
        ("GET", "/livez/", {}, 404, "not_found", None),
        ("PUT", UPSCALE, {"data": "x"}, 405, "method_not_allowed", None),
        ("DELETE", "/v1/models", {}, 405, "method_not_allowed", None),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(
    server: ServerProcess, method, path, how, status, code, param
):
    response = requests.request(method, server.rest_url + path, timeout=PATIENCE, **how)

    check(response, status, code, param)
    assert ("Allow" in response.headers) == (status == 405)


def test_a_picture_that_no_device_has_memory_for_is_too_large(server: ServerProcess):
    check(post(server, make_picture(128, 128)), 413, "out_of_memory")


def test_a_picture_of_too_many_pixels_is_too_large(start):
    server = start("--max-input-pixels=4096")

    for stream in ("false", "true"):
        check(post(server, make_picture(65, 64), stream=stream), 413, "too_many_pixels", "image")
    assert post(server, make_picture(64, 64)).status_code == 200


def test_who_brings_no_good_key_is_told_so(start, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(
        f"anna {ANNA}\nbert {BERT} requests_per_minute=1\ncarl {CARL} concurrent=1\n"
    )
    server = start(f"--api-keys-file={keys}", "--step-ms=15")
    url = server.rest_url

    check(post(server), 401, "api_key_missing")
    check(post(server, key="x"), 401, "api_key_unknown")
    for path in ("/v1/models", "/v1/models/demo", "/v1/capabilities"):
        check(requests.get(url + path), 401, "api_key_missing")
        assert requests.get(url + path, headers={"X-API-Key": ANNA}).status_code == 200
    assert requests.get(url + "/openapi.json").status_code == 200

    assert post(server, key=BERT).status_code == 200
    check(post(server, key=BERT), 429, "rate_limited")

    with while_one_runs(server, key=CARL):
        check(post(server, key=CARL), 429, "too_many_calls")


class while_one_runs:  # noqa: N801: reads as a word of the test
    """Keeps one long request running, and cuts it off at the end."""

    def __init__(self, server: ServerProcess, key: str = ""):
        self._server = server
        self._session = requests.Session()
        self._key = key

    def __enter__(self):
        self._response = self._session.post(
            self._server.rest_url + UPSCALE,
            files={"image": SMALL},
            data={"num_inference_steps": 200, "stream": "true"},
            headers={"X-API-Key": self._key} if self._key else {},
            stream=True,
            timeout=PATIENCE,
        )
        # Kept, because the connection is closed with it.
        self._lines = self._response.iter_lines()
        assert next(self._lines)  # It has its place.

    def __exit__(self, *_):
        self._response.close()
        self._session.close()


def test_a_full_queue_says_when_to_come_back(start):
    server = start("--queue-capacity=1", "--step-ms=50")

    with while_one_runs(server):
        check(post(server), 429, "queue_full")
        check(post(server, stream="true"), 429, "queue_full")


def test_too_many_uploads_are_told_to_wait(start):
    server = start("--uploads-mib=1", "--max-upload-mib=1")
    most = b"x" * 900_000

    with socket.create_connection(("127.0.0.1", server.rest_port)) as slow:
        slow.sendall(
            b"POST /v1/images/upscale HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n"
            b"Content-Type: application/json\r\n\r\n" + most
        )
        server.await_metric("upscaler_upload_bytes", at_least=len(most))
        check(post(server, most), 429, "uploads_full")


def test_a_server_that_loads_says_so(start):
    server = start("--load-ms=3000", awaited="listening")

    check(requests.get(server.rest_url + "/readyz"), 503, "unavailable")
    check(post(server), 503, "loading")
    assert requests.get(server.rest_url + "/v1/capabilities").json()["state"] == "loading"
    server.await_log("ready")


def test_a_server_that_drains_says_so(start):
    server = start("--step-ms=50", "--drain-seconds=20")

    with while_one_runs(server):
        server.end()
        server.await_log("refusing new requests")

        check(requests.get(server.rest_url + "/readyz"), 503, "unavailable")
        check(post(server), 503, "draining")
        assert requests.get(server.rest_url + "/v1/capabilities").json()["state"] == "draining"


def test_what_would_take_longer_than_a_request_may_is_refused_at_once(start):
    server = start("--step-ms=400", "--batching=none")

    check(post(server, n=10, num_inference_steps=200), 504, "deadline_unreachable")


def test_what_takes_longer_than_a_request_may_is_given_up(start):
    server = start("--hang-seed=7", "--rest-request-seconds=1", "--drain-seconds=0")

    check(post(server, seed=7), 504, "deadline_passed")
    server.expect_exit(1)  # The device that hangs is waited for in vain.


def test_the_length_of_a_body_is_given_once(server: ServerProcess):
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=PATIENCE) as connection:
        connection.sendall(
            b"POST /v1/images/upscale HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        answer = connection.makefile("rb").read().decode()

    head, _, body = answer.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400 ") and "x-should-retry: false" in head
    assert "the length of the body" in body


def test_who_shows_no_certificate_is_refused(start, tmp_path):
    cert, key = certificate(tmp_path, "server")
    own_cert, own_key = certificate(tmp_path, "client")
    server = start(f"--tls-cert={cert}", f"--tls-key={key}", f"--tls-client-ca={own_cert}")
    url = server.rest_url.replace("http:", "https:")

    for path in ("/v1/models", "/", "/openapi.json", "/v1"):
        check(requests.get(url + path, verify=cert, timeout=PATIENCE), 403)
        shown = requests.get(url + path, verify=cert, cert=(own_cert, own_key), timeout=PATIENCE)
        assert shown.status_code == 200
    refused = requests.post(url + UPSCALE, files={"image": SMALL}, verify=cert, timeout=PATIENCE)
    check(refused, 403)
