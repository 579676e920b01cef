"""The calls of UpscalerService beside the plain upscale, and the server's life as gRPC
clients see it. grpcio and its stubs from proto/ are the clients."""

import threading

import grpc
import numpy as np
import pytest
import requests
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from client import QUICK, Client, field_of, messages, reason_of, retry_seconds_of, spec, specs
from pictures import SMALL, largest_difference, make_picture, to_array
from server_process import DELAY_SERVER, PATIENCE

SERVICE = "upscaler.v1.UpscalerService"
JOBS = "upscaler.v1.UpscaleJobService"
Info = messages.GetServerInfoResponse


def info(client: Client) -> Info:
    return client.stub.GetServerInfo(messages.GetServerInfoRequest(), timeout=PATIENCE)


def estimate(client: Client, width: int, height: int, **fields):
    return client.stub.EstimateUpscale(
        messages.EstimateUpscaleRequest(
            spec=spec(**fields), image_size=specs.ImageSize(width=width, height=height)
        ),
        timeout=PATIENCE,
    )


def test_reflection_lists_the_services_and_their_calls(client: Client):
    database = ProtoReflectionDescriptorDatabase(client.channel)

    assert {SERVICE, JOBS, "grpc.health.v1.Health"} <= set(database.get_services())
    jobs = DescriptorPool(database).FindServiceByName(JOBS)
    assert "WatchUpscaleJob" in {method.name for method in jobs.methods}


def test_the_servers_facts_are_told(client: Client):
    told = info(client)

    assert told.state == Info.STATE_SERVING
    assert told.model.name == "demo"
    assert told.model.scale == 2
    assert told.version and told.libtorch_version
    assert [(device.name, device.replicas) for device in told.devices] == [("cpu", 1)]
    assert told.limits.queue_capacity == 64
    assert told.defaults.num_inference_steps == 25
    assert "image/png" in told.input_media_types


def test_the_digest_names_the_model_whatever_it_is_called(client: Client, start_server):
    def digest(of: Client) -> str:
        while not (found := info(of).model.digest):
            pass
        return found

    other = Client(start_server("--model-name=another"))

    assert digest(client).startswith("sha256:") and len(digest(client)) == len("sha256:") + 64
    assert digest(other) == digest(client)


def test_an_estimate_runs_nothing_and_tells_what_a_request_would_take(client: Client):
    steps = client.server.metric("upscaler_step_duration_seconds_count")
    small = estimate(client, 16, 16)

    assert (small.output_size.width, small.output_size.height) == (32, 32)
    assert small.tile_count == 1
    assert small.device_memory_bytes > 0 and small.host_memory_bytes > 0
    # Squares of this size are measured at the start.
    assert small.work.ToMilliseconds() > 0
    assert small.eta.ToMilliseconds() >= small.work.ToMilliseconds()
    assert estimate(client, 160, 160).device_memory_bytes > small.device_memory_bytes
    assert client.server.metric("upscaler_step_duration_seconds_count") == steps


@pytest.mark.parametrize(
    ("size", "fields", "field"),
    [
        ((0, 16), {}, "image_size.width"),
        ((100_000, 100_000), {}, "image"),
        ((16, 16), {"num_inference_steps": 0}, "num_inference_steps"),
    ],
)
def test_an_estimate_is_refused_as_the_request_would_be(client: Client, size, fields, field):
    with pytest.raises(grpc.RpcError) as refusal:
        estimate(client, *size, **fields)

    assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert field_of(refusal.value) == field


def test_the_request_id_is_returned_and_logged(client: Client):
    request = messages.UpscaleRequest(spec=spec(**QUICK), image=SMALL)
    answers = [
        client.stub.Upscale.with_call(request, metadata=metadata, timeout=PATIENCE)[1]
        for metadata in ((("x-request-id", "from-a-test-7"),), ())
    ]

    given, made = (dict(answer.initial_metadata())["x-request-id"] for answer in answers)
    assert given == "from-a-test-7"
    assert len(made) >= 16
    client.server.await_logged(message="request done", request_id=given)
    client.server.await_logged(message="request done", request_id=made)


def test_the_trace_is_logged(client: Client):
    traces = {"rest": "0af7651916cd43dd8448eb211c80319c", "grpc": "1" * 32}
    headers = {api: f"00-{trace}-b7ad6b7169203331-01" for api, trace in traces.items()}

    client.stub.Upscale(
        messages.UpscaleRequest(spec=spec(**QUICK), image=SMALL),
        metadata=(("traceparent", headers["grpc"]),),
        timeout=PATIENCE,
    )
    answer = requests.post(
        f"{client.server.rest_url}/v1/images/upscale",
        files={"image": ("in.png", SMALL, "image/png")},
        data=QUICK,
        headers={"traceparent": headers["rest"]},
        timeout=PATIENCE,
    )

    assert answer.status_code == 200
    for api, trace in traces.items():
        client.server.await_logged(message="request done", api=api, trace_id=trace)


def test_previews_are_pictures_that_come_to_look_like_the_result(client: Client):
    picture = make_picture(96, 64)

    events = list(client.start_stream(picture, num_inference_steps=12, preview_count=3, seed=1))

    previews = [event.preview for event in events if event.HasField("preview")]
    result = to_array(b"".join(e.image_chunk.data for e in events if e.HasField("image_chunk")))
    assert [preview.step for preview in previews] == [3, 6, 9]
    assert all(preview.total_steps == 12 for preview in previews)
    last = to_array(previews[-1].data)
    width, height = previews[-1].size.width, previews[-1].size.height
    assert last.shape == (height, width, 3)
    reduced = result[:: result.shape[0] // height, :: result.shape[1] // width]
    assert np.abs(reduced.astype(int) - last.astype(int)).mean() < 20


def test_latents_come_back_and_go_in_again(client: Client):
    """Twice doubled in latents alone: what chains of programs do."""
    model = info(client).model
    answer = client.stub.Upscale(
        messages.UpscaleRequest(
            spec=spec(output_type="OUTPUT_TYPE_LATENTS", seed=1, **QUICK), image=SMALL
        ),
        timeout=PATIENCE,
    ).images[0]
    latents = np.frombuffer(answer.data, np.float32)
    sides = (answer.latents.height, answer.latents.width)
    assert sides == (32 // model.latents_reduction, 32 // model.latents_reduction)
    assert latents.size == model.latents_channels * sides[0] * sides[1]
    half = specs.LatentsInfo(
        family="LATENTS_FAMILY_SERVED_MODEL",
        data_type="TENSOR_DATA_TYPE_FLOAT16",
        height=sides[0],
        width=sides[1],
    )

    def double(data: np.ndarray, info: specs.LatentsInfo) -> np.ndarray:
        request = messages.UpscaleRequest(
            spec=spec(seed=2, **QUICK), latents=specs.Latents(info=info, data=data.tobytes())
        )
        return to_array(client.stub.Upscale(request, timeout=PATIENCE).images[0].data)

    whole = double(latents, answer.latents)
    assert whole.shape == (64, 64, 3)
    assert largest_difference(double(latents.astype(np.float16), half), whole) <= 16


def test_the_place_in_the_queue_is_told_again_when_it_changes(start_server):
    client = Client(start_server("--step-ms=30", "--batching=none", program=DELAY_SERVER))
    calls = []
    for seed in range(4):
        calls.append(client.start_stream(SMALL, num_inference_steps=30, seed=seed))
        next(calls[-1])  # Accepted: the next one comes after it.

    positions = [event.queued.position for event in calls[-1] if event.HasField("queued")]

    assert len(positions) >= 2
    # The first may be too small, by rows that are accepted and about to join the queue.
    later = positions[1:] if positions[0] < positions[1] else positions
    assert later == sorted(set(later), reverse=True)
    for call in calls[:-1]:
        list(call)


def test_a_waiting_request_knows_when_it_will_be_done(start_server):
    client = Client(start_server("--step-ms=30", "--batching=none", program=DELAY_SERVER))
    first = client.start_stream(SMALL, num_inference_steps=50)
    next(first)
    second = client.start_stream(SMALL, num_inference_steps=50)

    queued = next(event.queued for event in second if event.HasField("queued"))

    # At least its own steps, and no more than both requests' with room for a slow machine.
    assert 1.5 <= queued.eta.ToMilliseconds() / 1000 <= 30
    list(first), list(second)


def test_health_follows_the_servers_life(start_server):
    """NOT_SERVING while it loads, SERVING, NOT_SERVING while it drains; calls are told why."""
    server = start_server("--load-ms=1500", "--step-ms=20", program=DELAY_SERVER, awaited="listening")
    client = Client(server)
    serving, not_serving = (
        health_pb2.HealthCheckResponse.SERVING,
        health_pb2.HealthCheckResponse.NOT_SERVING,
    )
    stub = health_pb2_grpc.HealthStub(client.channel)
    watched = []
    drained = threading.Event()

    def watch() -> None:
        try:
            for answer in stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE)):
                watched.append(answer.status)
        except grpc.RpcError:
            pass  # The server has ended.
        drained.set()

    threading.Thread(target=watch, daemon=True).start()
    assert info(client).state == Info.STATE_LOADING
    with pytest.raises(grpc.RpcError) as loading:
        list(client.start_stream(SMALL))
    assert loading.value.code() == grpc.StatusCode.UNAVAILABLE
    assert reason_of(loading.value) == "LOADING"
    assert retry_seconds_of(loading.value) > 0

    server.await_log("ready")
    assert info(client).state == Info.STATE_SERVING
    running = client.start_stream(SMALL, num_inference_steps=100)
    next(running)
    server.end()
    server.await_log("draining")
    assert info(client).state == Info.STATE_DRAINING
    assert stub.Check(health_pb2.HealthCheckRequest(service="liveness")).status == serving
    assert list(running)[-1].HasField("completed")

    assert drained.wait(PATIENCE)
    assert watched == [not_serving, serving, not_serving]


@pytest.mark.parametrize("events_heard", [0, 1, 2, 3, 10])
def test_a_stream_cancelled_at_any_stage_frees_its_place_within_a_step(start_server, events_heard):
    server = start_server("--step-ms=100", "--queue-capacity=1", program=DELAY_SERVER)
    client = Client(server)
    call = client.start_stream(SMALL, num_inference_steps=200)
    for _ in range(events_heard):
        next(call)
    steps = server.metric("upscaler_step_duration_seconds_count")

    call.cancel()

    while server.metric("upscaler_rows_admitted") > 0:
        pass
    assert server.metric("upscaler_step_duration_seconds_count") <= steps + 2
    assert list(client.start_stream(SMALL, num_inference_steps=1))[-1].HasField("completed")
