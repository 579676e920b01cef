"""The three ways into the server, each as a real client takes it."""

import base64
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import grpc
import numpy as np
import requests
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from pictures import to_array
from server_process import PATIENCE, SOURCE, ServerProcess

sys.path.append(str(SOURCE / "proto"))
messages, services = grpc.protos_and_services("upscaler/v1/upscaler.proto")
specs = grpc.protos("upscaler/v1/spec.proto")
job_messages, job_services = grpc.protos_and_services("upscaler/v1/job.proto")

# Quick, and enough to see that something was computed.
QUICK = {"num_inference_steps": 2}


@dataclass
class Picture:
    array: np.ndarray
    seed: int


class Client:
    def __init__(self, server: ServerProcess):
        self.server = server
        self.channel = grpc.insecure_channel(server.grpc_address)
        self.stub = services.UpscalerServiceStub(self.channel)
        self.jobs = job_services.UpscaleJobServiceStub(self.channel)

    def post(self, picture: bytes | None, **fields) -> requests.Response:
        """The multipart form that web clients send."""
        return self.post_with_headers(picture, {}, **fields)

    def post_with_headers(
        self, picture: bytes | None, headers: dict[str, str], **fields
    ) -> requests.Response:
        files = {} if picture is None else {"image": ("in.png", picture, "image/png")}
        # A form without a file would go out as another content type.
        parts = {name: (None, str(value)) for name, value in fields.items()}
        return requests.post(
            f"{self.server.rest_url}/v1/images/upscale",
            files=parts | files,
            headers=headers,
            timeout=PATIENCE,
        )

    def upscale_rest(self, picture: bytes, **fields) -> list[Picture]:
        response = self.post(picture, **QUICK | fields)
        assert response.status_code == 200, response.text
        return [
            Picture(to_array(base64.b64decode(image["b64_json"])), image["seed"])
            for image in response.json()["data"]
        ]

    def upscale_unary(self, picture: bytes, **fields) -> list[Picture]:
        request = messages.UpscaleRequest(spec=spec(**QUICK | fields), image=picture)
        response = self.stub.Upscale(request, timeout=PATIENCE)
        return [Picture(to_array(image.data), image.seed) for image in response.images]

    def upscale_stream(self, picture: bytes, **fields) -> list[Picture]:
        headers, files = [], []
        for event in self.start_stream(picture, **QUICK | fields):
            if event.HasField("image_header"):
                headers.append(event.image_header)
                files.append(b"")
            if event.HasField("image_chunk"):
                files[-1] += event.image_chunk.data
        return [Picture(to_array(f), header.image.seed) for f, header in zip(files, headers)]

    def start_stream(self, picture: bytes, **fields) -> grpc.Call:
        """The events of a streaming call; it can be cancelled."""
        return self.stub.UpscaleStream(stream_requests(picture, **fields), timeout=PATIENCE)


def spec(**fields):
    """An UpscaleSpec by the names that REST uses."""
    if "n" in fields:
        fields["image_count"] = fields.pop("n")
    return specs.UpscaleSpec(**fields)


def stream_requests(picture: bytes, **fields) -> Iterator:
    start = messages.UpscaleStreamRequest.Start(spec=spec(**fields), total_bytes=len(picture))
    yield messages.UpscaleStreamRequest(start=start)
    for first in range(0, len(picture), 65536):
        chunk = messages.UpscaleStreamRequest.Chunk(data=picture[first : first + 65536])
        yield messages.UpscaleStreamRequest(chunk=chunk)


def at_once(function: Callable, arguments: Iterable) -> list:
    """The function's results, of all arguments at the same time."""
    arguments = list(arguments)
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(function, arguments))


def field_of(error: grpc.RpcError) -> str:
    """The field that the server blames."""
    bad = error_details_pb2.BadRequest.FromString(_details(error)["google.rpc.BadRequest"])
    return bad.field_violations[0].field


def reason_of(error: grpc.RpcError) -> str:
    """The word that programs branch on."""
    return error_details_pb2.ErrorInfo.FromString(_details(error)["google.rpc.ErrorInfo"]).reason


def retry_seconds_of(error: grpc.RpcError) -> float | None:
    """When to come back, if the server says so."""
    value = _details(error).get("google.rpc.RetryInfo")
    if value is None:
        return None
    return error_details_pb2.RetryInfo.FromString(value).retry_delay.ToMilliseconds() / 1000


def _details(error: grpc.RpcError) -> dict[str, bytes]:
    return {one.TypeName(): one.value for one in rpc_status.from_call(error).details}
