"""Who shares a step, who is refused, and what clients are told then.

These servers run a stand-in for the model, so that it is known how long things take.
"""

import re
from collections.abc import Callable

import grpc
import pytest

from client import QUICK, Client, at_once, messages, reason_of, retry_seconds_of, spec
from pictures import SMALL, make_picture
from server_process import DELAY_SERVER, total


@pytest.fixture
def start(start_server) -> Callable[..., Client]:
    """Starts a server around the stand-in."""
    return lambda *options: Client(start_server(*options, program=DELAY_SERVER))


def refusal_of(client: Client, picture=SMALL, timeout=None, **fields) -> grpc.RpcError:
    """The error of a request that has to be refused."""
    request = messages.UpscaleRequest(spec=spec(**QUICK | fields), image=picture)
    with pytest.raises(grpc.RpcError) as raised:
        client.stub.Upscale(request, timeout=timeout)
    return raised.value


def begin(client: Client, **fields) -> grpc.Call:
    """A call that has its place."""
    call = client.start_stream(SMALL, **fields)
    next(call)
    return call


@pytest.mark.parametrize(
    "batching, prompts, share",
    [
        ("fill", ["a cat", "a dog"], True),
        ("same_prompt", ["a cat", "a cat"], True),
        ("same_prompt", ["a cat", "a dog"], False),
        ("none", ["a cat", "a cat"], False),
    ],
)
def test_rows_share_steps_as_they_are_told_to(start, batching, prompts, share):
    # Two rows take as long as one, so that it pays.
    client = start(f"--batching={batching}", "--step-ms=20")

    at_once(lambda p: client.upscale_unary(SMALL, prompt=p, num_inference_steps=20), prompts)

    samples = client.server.scrape()
    alone = total(samples, "upscaler_step_batch_size_bucket", le="1")
    steps = total(samples, "upscaler_step_batch_size_count")
    assert (alone < steps) == share


def test_exactly_as_many_pictures_are_admitted_as_there_are_places(start):
    client = start("--queue-capacity=4", "--step-ms=20", "--batching=none")
    server = client.server
    running = begin(client, num_inference_steps=200)
    waiting = begin(client, num_inference_steps=200, n=3)

    error = refusal_of(client)

    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(error) == "QUEUE_FULL"
    samples = server.scrape()
    assert total(samples, "upscaler_queue_capacity") == 4
    assert total(samples, "upscaler_rows_admitted") == 4
    assert total(samples, "upscaler_queue_bytes") > 0
    assert total(samples, "upscaler_queue_oldest_age_seconds") > 0
    assert total(samples, "upscaler_rejected_total", reason="full") == 1
    waiting.cancel()
    running.cancel()
    server.await_metric("upscaler_finished_total", at_least=2, outcome="cancelled")
    assert server.metric("upscaler_rows_admitted") == 0
    assert server.metric("upscaler_queue_bytes") == 0


def test_who_is_refused_is_told_to_come_back_when_the_work_is_done(start):
    client = start("--queue-capacity=1", "--step-ms=20")

    def retry_seconds_behind(steps: int) -> float:
        running = begin(client, num_inference_steps=steps)
        while not next(running).HasField("progress"):
            pass
        seconds = retry_seconds_of(refusal_of(client))
        before = client.server.metric("upscaler_finished_total")
        running.cancel()
        client.server.await_metric("upscaler_finished_total", at_least=before + 1)
        return seconds

    behind_little, behind_much = retry_seconds_behind(20), retry_seconds_behind(200)

    assert 0 < behind_little < behind_much
    assert 1 < behind_much < 20  # 200 steps of 20 ms are 4 s.


def test_a_deadline_that_cannot_be_met_is_refused_with_the_time_it_would_take(start):
    client = start("--step-ms=100")

    error = refusal_of(client, timeout=5, num_inference_steps=200)

    assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert reason_of(error) == "DEADLINE_UNREACHABLE"
    needed = float(re.search(r"about ([0-9.]+) s are needed", error.details())[1])
    assert 20 <= needed < 40  # 200 steps of 100 ms, on a machine that may be busy.
    assert client.server.metric("upscaler_rejected_total", reason="deadline") == 1
    assert client.server.metric("upscaler_wasted_steps_total") == 0


def test_a_picture_that_finds_no_memory_is_no_full_queue(start):
    client = start("--most-pixels=1024")

    error = refusal_of(client, picture=make_picture(64, 32))
    response = client.post(make_picture(64, 32), **QUICK)

    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(error) == "OUT_OF_MEMORY"
    assert retry_seconds_of(error) is None
    assert response.status_code == 413
    assert response.headers["x-should-retry"] == "false"
    assert client.server.metric("upscaler_rejected_total", reason="memory") == 2
    assert client.server.metric("upscaler_device_oom_total", device="cpu") == 2
    assert client.upscale_unary(SMALL) != []


def test_rows_of_a_device_that_breaks_begin_anew(start):
    client = start("--break-seed=7")

    upscaled = client.upscale_unary(SMALL, seed=7, n=2)

    assert [one.seed for one in upscaled] == [7, 8]
    assert client.server.metric("upscaler_replica_up", device="cpu") == 1
