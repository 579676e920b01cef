#!/usr/bin/env python3
"""The same as a job, which bears broken connections and restarts of this program:
upscale_job.py in.png out.png request_id [host:port]

Run with the same request_id again, it finds its job and goes on where it was.
"""

import pathlib
import sys
import time
import zlib

import grpc

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "proto"))
messages, services = grpc.protos_and_services("upscaler/v1/job.proto")
streams = grpc.protos("upscaler/v1/upscaler.proto")

CHUNK_BYTES = 64 * 1024
ATTEMPTS = 10


def persist(attempt):
    """The result of `attempt`, called again while the server cannot be reached.

    Anything else that goes wrong, also with the job itself, is an RpcError.
    """
    for number in range(ATTEMPTS):
        try:
            return attempt()
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.UNAVAILABLE or number == ATTEMPTS - 1:
                raise
            delay = min(2**number, 30)
            print(f"{error.details()}; trying again in {delay} s", file=sys.stderr)
            time.sleep(delay)


def upload(picture: bytes, request_id: str):
    request = messages.CreateUpscaleJobRequest(request_id=request_id)
    request.upload.start.total_bytes = len(picture)
    request.upload.start.crc32 = zlib.crc32(picture)
    yield request
    for at in range(0, len(picture), CHUNK_BYTES):
        chunk = streams.UpscaleStreamRequest.Chunk(data=picture[at : at + CHUNK_BYTES])
        yield messages.CreateUpscaleJobRequest(
            upload=streams.UpscaleStreamRequest(chunk=chunk)
        )


def watch(stub, job_id: str) -> None:
    """Shows the job's progress until it has succeeded."""
    seen = 0

    def attempt():
        nonlocal seen
        request = messages.WatchUpscaleJobRequest(job_id=job_id, after_sequence=seen)
        for response in stub.WatchUpscaleJob(request):
            event = response.event
            seen = event.sequence
            if event.HasField("progress"):
                print(f"{event.progress.fraction:4.0%}", end="\r", file=sys.stderr, flush=True)

    persist(attempt)


def download(stub, job_id: str) -> bytes:
    """The job's first picture. After a broken connection only what is missing is sent."""
    result, checksum = bytearray(), None

    def attempt():
        nonlocal checksum
        request = messages.DownloadUpscaleJobRequest(job_id=job_id, offset=len(result))
        for part in stub.DownloadUpscaleJob(request):
            if part.HasField("image_header"):
                checksum = part.image_header.crc32
            else:
                result.extend(part.image_chunk.data)

    persist(attempt)
    if zlib.crc32(result) != checksum:
        sys.exit("upscale_job.py: the picture was damaged on its way")
    return bytes(result)


def main(source: str, target: str, request_id: str, server: str = "localhost:8998") -> None:
    picture = pathlib.Path(source).read_bytes()
    with grpc.insecure_channel(server) as channel:
        stub = services.UpscaleJobServiceStub(channel)
        answer = persist(lambda: stub.CreateUpscaleJob(upload(picture, request_id)))
        print("job", answer.job.job_id, "begun" if answer.created else "found", file=sys.stderr)
        watch(stub, answer.job.job_id)
        pathlib.Path(target).write_bytes(download(stub, answer.job.job_id))


if __name__ == "__main__":
    if not 4 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"upscale_job.py: {error.code().name}: {error.details()}")
