"""The metrics beside a client's own ledger."""

from collections import Counter

import grpc
import pytest

from client import QUICK, Client, at_once, messages, spec
from pictures import SMALL
from server_process import DELAY_SERVER, total

CODES = {200: "OK", 400: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED"}
STEPS = QUICK["num_inference_steps"]


def test_the_metrics_say_what_a_client_has_seen(start_server):
    server = start_server("--queue-capacity=3", "--step-ms=5", program=DELAY_SERVER)
    client = Client(server)

    def by_rest(image: bytes, count: int) -> str:
        return CODES[client.post(image, n=count, **QUICK).status_code]

    def by_grpc(image: bytes, count: int) -> str:
        request = messages.UpscaleRequest(spec=spec(n=count, **QUICK), image=image)
        try:
            client.stub.Upscale(request, timeout=60)
            return "OK"
        except grpc.RpcError as error:
            return error.code().name

    kinds = [(SMALL, 1), (SMALL, 2), (b"no picture", 1), (SMALL, 11)]
    calls = [(api, *kind) for api in ("rest", "grpc") for kind in kinds for _ in range(8)]

    def make(call) -> tuple[str, str, int]:
        api, image, count = call
        return api, (by_rest if api == "rest" else by_grpc)(image, count), count

    ledger = at_once(make, calls)

    samples = server.scrape()
    answers = Counter((api, code) for api, code, _ in ledger)
    for (api, code), count in answers.items():
        assert total(samples, "upscaler_requests_total", api=api, code=code) == count
    for api in ("rest", "grpc"):
        ended = sum(count for (of, _), count in answers.items() if of == api)
        assert total(samples, "upscaler_requests_total", api=api) == ended
        assert total(samples, "upscaler_request_duration_seconds_count", api=api) == ended

    refused = Counter(code for _, code, _ in ledger)
    # A full queue refuses before anybody looks at the picture, and a count of 11 before that.
    assert refused["RESOURCE_EXHAUSTED"] and refused["INVALID_ARGUMENT"] >= 16
    rejected = "upscaler_rejected_total"
    assert total(samples, rejected, reason="full") == refused["RESOURCE_EXHAUSTED"]
    assert total(samples, rejected, reason="invalid") == refused["INVALID_ARGUMENT"]
    assert total(samples, rejected) == refused.total() - refused["OK"]

    done = [count for _, code, count in ledger if code == "OK"]
    pictures = sum(done)
    assert total(samples, "upscaler_finished_total", outcome="done") == len(done)
    # Those that are no picture are found out after they were admitted.
    unreadable = total(samples, "upscaler_finished_total", outcome="failed")
    assert total(samples, "upscaler_admitted_total") == len(done) + unreadable
    assert total(samples, "upscaler_in_flight") == total(samples, "upscaler_queue_depth") == 0
    assert total(samples, "upscaler_queue_wait_seconds_count") == pictures
    assert total(samples, "upscaler_step_batch_size_sum") == pictures * STEPS
    assert total(samples, "upscaler_stage_duration_seconds_count", stage="decode") == len(done)
    for stage in ("text", "vae_encode", "denoise", "vae_decode", "encode"):
        name = "upscaler_stage_duration_seconds_count"
        assert total(samples, name, stage=stage) == pictures, stage
    assert total(samples, "upscaler_wasted_steps_total") == 0
    assert total(samples, "upscaler_last_step_timestamp_seconds") > 1_700_000_000


@pytest.mark.parametrize("state", ["used", "free"])
def test_devices_and_the_process_say_what_they_use(server, state):
    samples = server.scrape()

    assert total(samples, "upscaler_device_memory_bytes", device="cpu", state=state) > 0
    assert total(samples, "upscaler_ready") == 1
    assert total(samples, "process_resident_memory_bytes") > 1 << 20
    assert total(samples, "process_open_fds") > 0
    assert total(samples, "process_start_time_seconds") > 1_700_000_000
