"""Clients of REST that send or take their bytes slowly: what is held for them comes to an end."""

import itertools
import resource
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from client import at_once
from pictures import SMALL, make_noise
from server_process import DELAY_SERVER, GATEWAY, PATIENCE, ServerProcess

UPSCALE = "/v1/images/upscale"
MEBIBYTE = 1 << 20

# Its answer takes some MiB: more than a connection holds on its way.
LARGE = make_noise(1000, 1000)


@pytest.fixture(scope="module")
def impatient(leaving) -> Iterator[tuple[ServerProcess, ServerProcess]]:
    """A gateway that waits a second for its clients, and the server behind it."""
    server = ServerProcess(program=DELAY_SERVER)
    gateway = ServerProcess(
        f"--backend={server.grpc_address}", "--stall-seconds=1", program=GATEWAY, awaited="listening"
    )
    gateway.await_log("model")
    yield gateway, server
    for process in (gateway, server):
        process.end()
        leaving.append(process)


def connect(server: ServerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.rest_port), timeout=PATIENCE)


def form(picture: bytes = SMALL, path: str = UPSCALE, **fields) -> bytes:
    """A request with a form, from its first byte to its last."""
    request = requests.Request(
        "POST", "http://localhost/", files={"image": ("in.png", picture)}, data=fields
    ).prepare()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\n"
        f"Content-Length: {len(request.body)}\r\n\r\n"
    )
    return head.encode() + request.body


def trickle(server: ServerProcess, beginning: bytes, endless: bytes = b"x") -> bytes:
    """Sends the beginning, and then a byte ten times a second until the server closes. Its answer."""
    answer = b""
    with connect(server) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.1)
        for byte in itertools.cycle(endless):
            try:
                part = connection.recv(65536)
                if not part:
                    return answer
                answer += part
            except TimeoutError:
                try:
                    connection.sendall(bytes([byte]))
                except OSError:
                    return answer
            except OSError:
                return answer


ANSWERED = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
POST = f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\n".encode()

# What a client has sent when it begins to trickle.
TRICKLES = {
    "nothing": b"",
    "a line": b"GET /livez HTTP/1.1\r\n",
    "a header": b"GET /livez HTTP/1.1\r\nX: ",
    "a request and a half": ANSWERED + b"GET /livez HTTP/1.1\r\nX: ",
    "a part of a form": form(LARGE)[:1000],
    "much of a form": form(LARGE)[:-1000],
    "a part of JSON": POST + b'Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"',
    "a part of a chunk": POST + b"Content-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n100000\r\n",
    "the line of a chunk": POST + b"Content-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n1;x=",
    "the end of chunks": POST + b"Content-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: ",
    "a body that nobody reads": b"POST /livez HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Length: 100000\r\n\r\n",
}


def test_who_trickles_is_hung_up_on(impatient):
    gateway, _ = impatient

    answers = at_once(lambda name: (name, trickle(gateway, TRICKLES[name])), TRICKLES)

    for name, answer in answers:
        statuses = [part[:3] for part in answer.split(b"HTTP/1.1 ")[1:]]
        assert statuses == ([b"200"] if name == "a request and a half" else []), name
    await_no_requests(gateway)
    while gateway.metric("upscaler_gateway_upload_bytes") > 0:
        pass


def await_no_requests(gateway: ServerProcess) -> None:
    while gateway.metric("upscaler_gateway_open_requests") > 0:
        pass


# The answers that a client may leave unread, by what it asks for.
UNREAD = {
    "JSON": form(LARGE, n=4),
    "a stream": form(LARGE, n=4, stream="true"),
    "a picture": form(LARGE).replace(b"Host:", b"Accept: image/png\r\nHost:", 1),
}


@pytest.mark.parametrize("name", UNREAD)
def test_who_does_not_take_its_answer_is_hung_up_on(impatient, name):
    gateway, _ = impatient
    with connect(gateway) as connection:
        connection.sendall(UNREAD[name])
        gateway.await_metric("upscaler_gateway_open_requests", at_least=1)

        await_no_requests(gateway)  # Though nothing of the answer was read.

        answer = b""
        try:
            while part := connection.recv(MEBIBYTE):
                answer += part
        except ConnectionError:
            pass
    assert answer.startswith(b"HTTP/1.1 200 ")
    head, _, body = answer.partition(b"\r\n\r\n")
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"Content-Length")]
    if lengths:
        assert len(body) < int(lengths[0].split()[1])
    else:
        assert not body.endswith(b"0\r\n\r\n")


def test_who_takes_a_job_of_one_picture_slowly_is_hung_up_on(impatient):
    gateway, server = impatient
    job = requests.post(
        gateway.rest_url + UPSCALE, files={"image": LARGE}, headers={"Prefer": "respond-async"}
    ).json()
    url = f"{gateway.rest_url}/v1/jobs/{job['id']}"
    requests.get(f"{url}/events", timeout=PATIENCE)

    with requests.get(f"{url}/images/0", stream=True, timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        await_no_requests(gateway)
        with pytest.raises(requests.exceptions.RequestException):
            assert not answer.content  # Whole, it would come without an error.


def test_who_waits_for_a_long_upscale_is_left_alone(start_server):
    server = start_server("--step-ms=200", "--stall-seconds=1", program=DELAY_SERVER)

    def post(**fields) -> requests.Response:
        return requests.post(
            server.rest_url + UPSCALE,
            files={"image": SMALL},
            data={"num_inference_steps": 20, **fields},
            timeout=PATIENCE,
        )

    plain, stream = at_once(lambda fields: post(**fields), [{}, {"stream": "true"}])

    assert plain.json()["timings"]["total"] > 3
    assert "event: image_upscale.completed" in stream.text


def virtual_bytes(server: ServerProcess) -> int:
    return int(Path(f"/proc/{server.pid}/statm").read_text().split()[0]) * resource.getpagesize()


def test_a_body_for_which_there_is_no_memory_costs_its_request_alone(impatient, start_server):
    _, server = impatient
    gateway = start_server(f"--backend={server.grpc_address}", program=GATEWAY, awaited="listening")
    gateway.await_log("model")
    body = b'{"image": "' + b"A" * (31 * MEBIBYTE) + b'"}'

    room = virtual_bytes(gateway) + 24 * MEBIBYTE
    resource.prlimit(gateway.pid, resource.RLIMIT_AS, (room, resource.RLIM_INFINITY))
    refused = requests.post(
        gateway.rest_url + UPSCALE,
        data=body,
        headers={"Content-Type": "application/json"},
        timeout=PATIENCE,
    )

    assert refused.status_code == 503, refused.text
    assert "short of memory" in refused.json()["error"]["message"]
    small = requests.post(gateway.rest_url + UPSCALE, files={"image": SMALL}, timeout=PATIENCE)
    assert small.status_code == 200
