"""Traces: a request's spans at a collector of OpenTelemetry's, and its ids in the log."""

from collections.abc import Iterator

import grpc
import pytest

from client import QUICK, Client, at_once, job_messages, messages, spec
from collector import Collector, attributes
from pictures import SMALL
from server_process import DELAY_SERVER, ServerProcess

UPSCALE = "upscaler.v1.UpscalerService/Upscale"
STREAM = "upscaler.v1.UpscalerService/UpscaleStream"
CREATE_JOB = "upscaler.v1.UpscaleJobService/CreateUpscaleJob"
PARTS = {"decode picture", "queue", "text", "encode", "steps", "decode", "encode picture"}
CALLERS_SPAN = "b7ad6b7169203331"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="module")
def server(collector, leaving) -> Iterator[ServerProcess]:
    # Steps that two share take as long as one's, and slow enough to be shared.
    process = ServerProcess(
        "--step-ms=30",
        "--trace-sample-ratio=0",
        f"--otlp-endpoint=127.0.0.1:{collector.port}",
        program=DELAY_SERVER,
    )
    yield process
    process.end()
    process.check_exit()  # While there is a collector.


@pytest.fixture(scope="module")
def client(server) -> Client:
    return Client(server)


def traceparent(trace_id: str, sampled: bool = True) -> str:
    return f"00-{trace_id}-{CALLERS_SPAN}-{'01' if sampled else '00'}"


def upscale(client: Client, trace_id: str, sampled: bool = True, image: bytes = SMALL, **fields):
    return client.stub.Upscale(
        messages.UpscaleRequest(spec=spec(**QUICK | fields), image=image),
        metadata=(("traceparent", traceparent(trace_id, sampled)),),
        timeout=60,
    )


def test_a_request_is_a_span_with_its_parts_within(client, collector):
    trace_id = "a" * 32

    upscale(client, trace_id, n=2)

    spans = collector.await_spans(trace_id, {UPSCALE} | PARTS)
    (request,) = spans[UPSCALE]
    assert request.kind == request.SPAN_KIND_SERVER
    assert request.parent_span_id.hex() == CALLERS_SPAN
    assert attributes(request)["rpc.grpc.status_code"] == 0
    assert attributes(request)["upscaler.api"] == "grpc"
    for part in PARTS:
        assert len(spans[part]) == (1 if part == "decode picture" else 2), part
        for span in spans[part]:
            assert span.parent_span_id == request.span_id
            assert request.start_time_unix_nano <= span.start_time_unix_nano
            assert span.start_time_unix_nano <= span.end_time_unix_nano
    order = ["queue", "text", "encode", "steps", "decode", "encode picture"]
    for index in range(2):
        of_picture = {
            name: span
            for name in order
            for span in spans[name]
            if attributes(span)["upscaler.image_index"] == index
        }
        ends = [of_picture[name].end_time_unix_nano for name in order]
        assert ends == sorted(ends)
    assert {"service.name": "upscaler-server"}.items() <= collector.resources[0].items()


def test_requests_have_links_to_the_steps_that_they_shared(client, collector):
    trace_ids = ["b" * 32, "c" * 32]

    at_once(lambda trace_id: upscale(client, trace_id, num_inference_steps=20), trace_ids)

    links = []
    for trace_id in trace_ids:
        (steps,) = collector.await_spans(trace_id, {"steps"})["steps"]
        assert len(steps.links) == 20
        links.append({(link.trace_id, link.span_id) for link in steps.links})
    shared = links[0] & links[1]
    assert shared
    of_step = {(span.trace_id, span.span_id): span for span in collector.spans}
    for step in shared:
        assert of_step[step].name == "step"
        assert attributes(of_step[step])["upscaler.batch_size"] == 2


def test_rest_and_jobs_are_traced_too(client, collector):
    rest, job = "d" * 32, "e" * 32

    response = client.post_with_headers(SMALL, {"traceparent": traceparent(rest)}, **QUICK)
    assert response.status_code == 200
    upload = messages.UpscaleStreamRequest(
        start=messages.UpscaleStreamRequest.Start(spec=spec(**QUICK))
    )
    chunk = messages.UpscaleStreamRequest(chunk=messages.UpscaleStreamRequest.Chunk(data=SMALL))
    client.jobs.CreateUpscaleJob(
        iter(job_messages.CreateUpscaleJobRequest(upload=part) for part in (upload, chunk)),
        metadata=(("traceparent", traceparent(job)),),
        timeout=60,
    )

    (request,) = collector.await_spans(rest, PARTS | {STREAM})[STREAM]
    assert attributes(request)["upscaler.api"] == "rest"
    (begun,) = collector.await_spans(job, PARTS | {CREATE_JOB})[CREATE_JOB]
    (written,) = collector.await_spans(job, PARTS)["encode picture"]
    assert written.parent_span_id == begun.span_id
    client.server.await_logged(message="job done", trace_id=job)


def test_what_rest_refuses_by_itself_is_traced(client, collector):
    trace_id = "7" * 32
    headers = {"traceparent": traceparent(trace_id)}

    response = client.post_with_headers(SMALL, headers, num_inference_steps="many")

    assert response.status_code == 400
    refused = "refused by the gateway"
    (span,) = collector.await_spans(trace_id, {refused})[refused]
    assert span.parent_span_id.hex() == CALLERS_SPAN
    client.server.await_logged(trace_id=trace_id, span_id=span.span_id.hex())


def test_an_error_stands_in_the_span(client, collector):
    trace_id = "f" * 32

    with pytest.raises(grpc.RpcError):
        upscale(client, trace_id, image=b"no picture")

    (request,) = collector.await_spans(trace_id, {UPSCALE})[UPSCALE]
    assert request.status.code == request.status.STATUS_CODE_ERROR
    assert "image" in request.status.message
    code = attributes(request)["rpc.grpc.status_code"]
    assert code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_who_is_not_sampled_is_not_traced_but_logged(client, collector):
    trace_id, later = "1" * 32, "2" * 32

    upscale(client, trace_id, sampled=False)
    client.upscale_unary(SMALL)  # Without a trace: the server samples none of these.
    upscale(client, later)

    collector.await_spans(later, {UPSCALE})  # Spans come in order.
    assert trace_id not in {span.trace_id.hex() for span in collector.spans}
    client.server.await_logged(message="request done", trace_id=trace_id)
    ended = [line for line in client.server.log if line["message"] == "request done"]
    assert all(len(line["trace_id"]) == 32 and len(line["span_id"]) == 16 for line in ended)


def test_nothing_waits_for_a_collector_that_is_away(start_server):
    server = start_server("--otlp-endpoint=127.0.0.1:1", program=DELAY_SERVER)

    assert Client(server).upscale_unary(SMALL)

    server.await_log("the collector takes no spans")
    server.end()
    server.check_exit()
