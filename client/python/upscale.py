#!/usr/bin/env python3
"""Doubles the resolution of one picture: upscale.py in.png out.png [host:port] [prompt]"""

import pathlib
import sys
import zlib

import grpc

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "proto"))
messages, services = grpc.protos_and_services("upscaler/v1/upscaler.proto")

CHUNK_BYTES = 64 * 1024


def upload(picture: bytes, prompt: str):
    request = messages.UpscaleStreamRequest()
    request.start.spec.prompt = prompt
    request.start.total_bytes = len(picture)
    request.start.crc32 = zlib.crc32(picture)
    yield request
    for at in range(0, len(picture), CHUNK_BYTES):
        chunk = messages.UpscaleStreamRequest.Chunk(data=picture[at : at + CHUNK_BYTES])
        yield messages.UpscaleStreamRequest(chunk=chunk)


def main(source: str, target: str, server: str = "localhost:8998", prompt: str = "") -> None:
    picture, result = pathlib.Path(source).read_bytes(), bytearray()
    with grpc.insecure_channel(server) as channel:
        stub = services.UpscalerServiceStub(channel)
        for event in stub.UpscaleStream(upload(picture, prompt)):
            if event.HasField("progress"):
                print(f"{event.progress.fraction:4.0%}", end="\r", file=sys.stderr, flush=True)
            elif event.HasField("image_header"):
                checksum = event.image_header.crc32
            elif event.HasField("image_chunk"):
                result += event.image_chunk.data
    if zlib.crc32(result) != checksum:
        sys.exit("upscale.py: the picture was damaged on its way")
    pathlib.Path(target).write_bytes(result)


if __name__ == "__main__":
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except grpc.RpcError as error:
        sys.exit(f"upscale.py: {error.code().name}: {error.details()}")
