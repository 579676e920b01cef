"""HTTP as clients, proxies and people with a terminal use it, beside the plain way."""

import http.client
import json
import socket
from collections.abc import Iterator

import pytest
import requests

from pictures import SMALL
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

GET_PATHS = [
    "/livez", "/readyz", "/v1", "/v1/", "/v1/models", "/v1/models/demo", "/v1/capabilities",
    "/openapi.json",
]  # fmt: skip

UPSCALE = "/v1/images/upscale"


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    process = ServerProcess(program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


def form(**fields) -> requests.PreparedRequest:
    """A form with a picture, ready to be sent in other ways than requests would."""
    files = {"image": ("in.png", SMALL)}
    return requests.Request("POST", "http://localhost/", files=files, data=fields).prepare()


def talk(server: ServerProcess, text: bytes) -> bytes:
    """What the server says to `text` until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=PATIENCE) as connection:
        connection.sendall(text)
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_is_get_without_the_body(server: ServerProcess, path):
    got = requests.get(server.rest_url + path)
    head = requests.head(server.rest_url + path)

    assert (head.status_code, got.status_code) == (200, 200)
    assert head.content == b""
    for name in ("Content-Type", "Content-Length", "ETag"):
        assert head.headers.get(name) == got.headers.get(name)


@pytest.mark.parametrize("path, methods", [(path, "GET, HEAD, OPTIONS") for path in GET_PATHS] + [(UPSCALE, "OPTIONS, POST")])  # fmt: skip
def test_options_names_the_methods(server: ServerProcess, path, methods):
    answer = requests.options(server.rest_url + path)

    assert answer.status_code == 204
    assert answer.headers["Allow"] == methods


@pytest.mark.parametrize(
    "path, status",
    [
        ("/livez?", 200),
        ("/livez?x", 200),
        ("/livez?x=1&x=2&&=&%zz=%", 200),
        ("/livez?" + "x" * 8000, 200),
        ("/%6civez", 200),
        ("/v1/models/d%65mo", 200),
        ("/v1/models/d%zzmo", 404),
        ("/v1/models/demo/", 404),
        ("/v1/models/", 404),
        ("/v1/models/%00", 404),
        ("//livez", 404),
        ("/livez/../livez", 404),
        ("/LIVEZ", 404),
    ],
)
def test_paths_are_exact_and_queries_do_no_harm(server: ServerProcess, path, status):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=PATIENCE)
    connection.request("GET", path)
    response = connection.getresponse()

    assert response.status == status
    json.loads(response.read())


@pytest.mark.parametrize(
    "content_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/json ;x=y"],
)
def test_a_media_type_may_have_parameters(server: ServerProcess, content_type):
    answer = requests.post(
        server.rest_url + UPSCALE, data="{}", headers={"Content-Type": content_type}
    )

    assert answer.json()["error"]["code"] == "missing_required_parameter"


def test_a_boundary_may_be_quoted(server: ServerProcess):
    request = form()
    kind, _, boundary = request.headers["Content-Type"].partition("boundary=")

    answer = requests.post(
        server.rest_url + UPSCALE,
        data=request.body,
        headers={"Content-Type": f'{kind}charset=utf-8; boundary="{boundary}"'},
    )

    assert answer.status_code == 200


def test_a_body_may_come_in_chunks(server: ServerProcess):
    request = form()
    parts = (request.body[at : at + 100] for at in range(0, len(request.body), 100))

    answer = requests.post(
        server.rest_url + UPSCALE,
        data=parts,
        headers={"Content-Type": request.headers["Content-Type"]},
    )

    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert answer.status_code == 200


@pytest.mark.parametrize("ahead", range(5))
def test_a_read_may_end_where_the_picture_has_just_begun(server: ServerProcess, ahead):
    request = form()
    cut = request.body.index(SMALL) + ahead
    head = (
        f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode()
    # The server reads chunk by chunk, whenever they come.
    chunks = [
        b"%x\r\n%s\r\n" % (len(part), part)
        for part in (request.body[:cut], request.body[cut:], b"")
    ]

    assert talk(server, head + b"".join(chunks)).startswith(b"HTTP/1.1 200 ")


def test_forms_may_be_written_as_dot_net_does(server: ServerProcess):
    boundary = "c7ae3a3b-3a0c-4b8b-9a52-8e0d3f6c9d5f"
    body = (
        (
            f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Disposition: form-data; name=prompt\r\n\r\na cat\r\n"
            f"--{boundary}\r\nContent-Disposition: form-data; name=image; filename=in.png; "
            "filename*=utf-8''in.png\r\n\r\n"
        ).encode()
        + SMALL
        + f"\r\n--{boundary}--\r\n".encode()
    )

    answer = requests.post(
        server.rest_url + UPSCALE,
        data=body,
        headers={"Content-Type": f'multipart/form-data; boundary="{boundary}"'},
    )

    assert answer.status_code == 200, answer.text


def test_who_asks_first_is_told_to_go_on(server: ServerProcess):
    request = form()
    head = (
        f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\n"
        f"Content-Length: {len(request.body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.rest_port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode())
        answers = connection.makefile("rb")

        assert answers.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert answers.readline() == b"\r\n"
        connection.sendall(request.body)
        assert answers.readline() == b"HTTP/1.1 200 OK\r\n"


def test_who_asks_first_whether_a_large_body_may_come_is_told_no(server: ServerProcess):
    answer = talk(
        server,
        f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {1 << 30}\r\nExpect: 100-continue\r\n\r\n".encode(),
    )

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_connection_serves_many_requests(server: ServerProcess):
    connection = http.client.HTTPConnection("127.0.0.1", server.rest_port, timeout=PATIENCE)
    sockets = set()
    for path in [*GET_PATHS, "/nowhere", *GET_PATHS]:
        connection.request("GET", path)
        connection.getresponse().read()
        sockets.add(connection.sock.getsockname())
    assert len(sockets) == 1


def test_requests_may_come_before_the_answers(server: ServerProcess):
    request = form()
    post = (
        f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(request.body)}\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\n\r\n"
    ).encode() + request.body
    get = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = b"GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"

    answers = talk(server, get + post + get + last)

    statuses = [part[:3] for part in answers.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"200", b"200", b"404"]


def test_http_1_0_is_understood(server: ServerProcess):
    answer = talk(server, b"GET /livez HTTP/1.0\r\n\r\n")
    streamed = form(stream="true")
    stream = talk(
        server,
        (
            f"POST {UPSCALE} HTTP/1.0\r\nContent-Length: {len(streamed.body)}\r\n"
            f"Content-Type: {streamed.headers['Content-Type']}\r\n\r\n"
        ).encode()
        + streamed.body,
    )

    assert b" 200 " in answer.splitlines()[0]
    assert answer.endswith(b'{"status": true}')
    assert b"Transfer-Encoding" not in stream.split(b"\r\n\r\n")[0]
    assert stream.count(b"event: image_upscale.completed\n") == 1
