"""What a streaming client hears, and in which order."""

import itertools

from client import Client

STEPS = 6


def test_events_come_in_the_order_of_the_contract(client: Client, picture):
    events = list(client.start_stream(picture, num_inference_steps=STEPS, n=2, seed=3))

    kinds = [kind for kind, _ in itertools.groupby(event.WhichOneof("event") for event in events)]
    a_picture = ["image_header", "image_chunk"]
    assert kinds == ["accepted", "queued", "progress", *a_picture, *a_picture, "completed"]
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))


def test_accepted_tells_every_default_and_the_sizes(client: Client, picture):
    accepted = next(client.start_stream(picture, prompt="a photo")).accepted

    spec = accepted.effective_spec
    assert (spec.prompt, spec.guidance_scale) == ("a photo", 7.5)
    assert (spec.num_inference_steps, spec.image_count) == (25, 1)
    assert spec.HasField("seed")
    assert (accepted.input_size.width, accepted.input_size.height) == (64, 64)
    assert (accepted.output_size.width, accepted.output_size.height) == (128, 128)


def test_progress_never_goes_back_and_ends_with_every_step(client: Client, picture):
    events = client.start_stream(picture, num_inference_steps=STEPS)
    progress = [event.progress for event in events if event.HasField("progress")]

    steps = [one.step for one in progress]
    phases = [one.phase for one in progress]
    assert steps == sorted(steps) and steps[-1] == STEPS
    assert phases == sorted(phases)
    assert all(one.total_steps == STEPS and 0 <= one.fraction <= 1 for one in progress)


def test_headers_announce_what_follows(client: Client, picture):
    announced, received = [], []
    for event in client.start_stream(picture, num_inference_steps=1, n=2):
        if event.HasField("image_header"):
            assert event.image_header.index == len(announced)
            announced.append(event.image_header.total_bytes)
            received.append(0)
        if event.HasField("image_chunk"):
            received[-1] += len(event.image_chunk.data)

    assert len(announced) == 2 and announced == received


def test_completed_carries_timings_and_the_warning_that_a_prompt_was_cut(client: Client, picture):
    *_, last = client.start_stream(picture, prompt="far too long " * 60, num_inference_steps=1)

    assert last.completed.timings.total.ToNanoseconds() > 0
    assert "longer than 75 tokens" in last.completed.warnings[0]
