"""Streams that a client sends wrongly: each is refused with the field's name, before it
reaches the queue, and none costs memory that stays."""

import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from client import QUICK, Client, field_of, messages, reason_of, retry_seconds_of, spec
from pictures import SMALL, make_noise
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

MEBIBYTE = 1 << 20


def start(total_bytes: int = 0, **fields) -> messages.UpscaleStreamRequest:
    return messages.UpscaleStreamRequest(
        start=messages.UpscaleStreamRequest.Start(
            spec=spec(**QUICK), total_bytes=total_bytes, **fields
        )
    )


def chunk(data: bytes, **fields) -> messages.UpscaleStreamRequest:
    return messages.UpscaleStreamRequest(
        chunk=messages.UpscaleStreamRequest.Chunk(data=data, **fields)
    )


LATENTS = {"height": 2, "width": 2, "data_type": "TENSOR_DATA_TYPE_FLOAT32"}

# name -> what the client sends before it closes its side, and the field that is blamed.
BAD_STREAMS = {
    "nothing": ([], "start"),
    "no start": ([chunk(SMALL)], "chunk"),
    "chunk before start": ([chunk(SMALL), start()], "chunk"),
    "two starts": ([start(), start()], "start"),
    "an empty message": ([start(), messages.UpscaleStreamRequest()], "message"),
    "an empty chunk": ([start(), chunk(b"")], "chunk.data"),
    "a chunk too large": ([start(), chunk(bytes(MEBIBYTE + 1))], "chunk.data"),
    "no bytes": ([start()], "image"),
    "closed early": ([start(len(SMALL)), chunk(SMALL[:-1])], "start.total_bytes"),
    "more than announced": ([start(len(SMALL) - 1), chunk(SMALL)], "start.total_bytes"),
    "too much announced": ([start(1 << 40)], "start.total_bytes"),
    "too many bytes": ([start(), *[chunk(bytes(MEBIBYTE))] * 33], "image"),
    "wrong CRC": ([start(crc32=zlib.crc32(SMALL) ^ 1), chunk(SMALL)], "start.crc32"),
    "wrong CRC of a chunk": ([start(), chunk(SMALL, crc32=0)], "chunk.crc32"),
    "latents of an unknown family": ([start(latents=LATENTS), chunk(bytes(64))], "latents.family"),
    "latents of another model": (
        [start(latents=LATENTS | {"family": "LATENTS_FAMILY_STABLE_DIFFUSION_1"}), chunk(b"x")],
        "latents.data",
    ),
}


def admitted(server: ServerProcess) -> float:
    return server.metric("upscaler_admitted_total")


def resident_kib(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)


@pytest.fixture(scope="module")
def delay_client():
    """Of a server without a model, for tests that need none."""
    server = ServerProcess("--step-ms=1", program=DELAY_SERVER)
    yield Client(server)
    server.end()
    server.check_exit()


@pytest.mark.parametrize("name", BAD_STREAMS)
def test_a_bad_stream_is_refused_before_the_queue(delay_client: Client, name):
    sent, field = BAD_STREAMS[name]
    # What is wrong with bytes is found when they are read, which is part of the request.
    reads_bytes = field == "latents.data"
    before = admitted(delay_client.server)

    with pytest.raises(grpc.RpcError) as refusal:
        list(delay_client.stub.UpscaleStream(iter(sent), timeout=PATIENCE))

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field_of(refusal.value) == field
    assert admitted(delay_client.server) == before + reads_bytes
    assert delay_client.server.metric("upscaler_rows_admitted") == 0


def test_bad_streams_leave_no_memory_behind(delay_client: Client):
    streams = [sent for sent, field in BAD_STREAMS.values() if field != "latents.data"]

    def send_all() -> None:
        for sent in streams:
            with pytest.raises(grpc.RpcError):
                list(delay_client.stub.UpscaleStream(iter(sent), timeout=PATIENCE))

    for _ in range(3):
        send_all()  # What is set up once, and what the allocator keeps.
    before = resident_kib(delay_client.server)
    for _ in range(20):
        send_all()

    # One stream in each round holds 32 MiB for a moment: 640 MiB, if they stayed. What the
    # allocator keeps for the next one varies.
    assert resident_kib(delay_client.server) - before < 128 * 1024


def test_one_byte_at_a_time_is_slow_and_nothing_else(delay_client: Client):
    crc32 = zlib.crc32(SMALL)
    sent = [start(len(SMALL), crc32=crc32), *(chunk(SMALL[i : i + 1]) for i in range(len(SMALL)))]

    *_, last = delay_client.stub.UpscaleStream(iter(sent), timeout=PATIENCE)

    assert last.HasField("completed")


def test_pictures_are_sent_back_with_their_checksum(delay_client: Client):
    events = list(delay_client.start_stream(SMALL))
    header = next(e.image_header for e in events if e.HasField("image_header"))
    data = b"".join(e.image_chunk.data for e in events if e.HasField("image_chunk"))

    assert header.total_bytes == len(data)
    assert header.crc32 == zlib.crc32(data)


def test_an_upload_that_stalls_is_ended(start_server):
    client = Client(start_server("--stall-seconds=1", program=DELAY_SERVER))
    stalled = True

    def stall() -> Iterator:
        yield start(len(SMALL))
        yield chunk(SMALL[:10])
        while stalled:
            time.sleep(0.01)

    with pytest.raises(grpc.RpcError) as ended:
        list(client.stub.UpscaleStream(stall(), timeout=PATIENCE))
    stalled = False

    assert ended.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason_of(ended.value) == "UPLOAD_STALLED"


def test_a_client_that_does_not_read_is_ended_and_its_memory_freed(start_server):
    client = Client(start_server("--stall-seconds=1", program=DELAY_SERVER))
    # The answers are tens of megabytes: more than gRPC holds on the way.
    call = client.start_stream(make_noise(1000, 1000), n=10, **QUICK)
    next(call)

    client.server.await_metric("upscaler_finished_total", at_least=1, outcome="done")
    assert client.server.metric("upscaler_queue_bytes") > 0
    client.server.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED")

    assert client.server.metric("upscaler_queue_bytes") == 0
    with pytest.raises(grpc.RpcError):
        list(call)


def test_uploads_together_are_bounded(start_server):
    client = Client(start_server("--uploads-mib=1", "--max-upload-mib=1", program=DELAY_SERVER))
    waiting = True

    def hold() -> Iterator:
        yield start()
        yield chunk(bytes(MEBIBYTE))
        while waiting:
            time.sleep(0.01)

    first = client.stub.UpscaleStream(hold(), timeout=PATIENCE)
    client.server.await_metric("upscaler_upload_bytes", at_least=MEBIBYTE)
    with pytest.raises(grpc.RpcError) as refusal:
        list(client.start_stream(SMALL, **QUICK))
    waiting = False

    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(refusal.value) == "UPLOADS_FULL"
    assert retry_seconds_of(refusal.value) > 0
    with pytest.raises(grpc.RpcError):
        list(first)  # Its bytes are no picture.
    assert list(client.start_stream(SMALL, **QUICK))
