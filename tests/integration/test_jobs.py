"""Jobs that outlive the connection that asked for them."""

import zlib

import grpc
import pytest

from client import Client, field_of, job_messages, messages, reason_of, spec
from pictures import SMALL, largest_difference, make_picture, to_array
from server_process import DELAY_SERVER, PATIENCE

SLOW = ["--step-ms=20", "--batching=none"]


def uploads(picture: bytes, request_id: str = "", **fields):
    start = messages.UpscaleStreamRequest.Start(spec=spec(**fields), total_bytes=len(picture))
    chunk = messages.UpscaleStreamRequest.Chunk
    yield job_messages.CreateUpscaleJobRequest(
        request_id=request_id, upload=messages.UpscaleStreamRequest(start=start)
    )
    for first in range(0, len(picture), 65536):
        part = chunk(data=picture[first : first + 65536])
        yield job_messages.CreateUpscaleJobRequest(upload=messages.UpscaleStreamRequest(chunk=part))


def create(client: Client, picture: bytes = SMALL, request_id: str = "", **fields):
    return client.jobs.CreateUpscaleJob(uploads(picture, request_id, **fields), timeout=PATIENCE)


def get(client: Client, job_id: str):
    return client.jobs.GetUpscaleJob(job_messages.GetUpscaleJobRequest(job_id=job_id)).job


def watch(client: Client, job_id: str, after: int = 0) -> grpc.Call:
    return client.jobs.WatchUpscaleJob(
        job_messages.WatchUpscaleJobRequest(job_id=job_id, after_sequence=after), timeout=PATIENCE
    )


def download(client: Client, job_id: str, offset: int = 0, index: int = 0) -> grpc.Call:
    return client.jobs.DownloadUpscaleJob(
        job_messages.DownloadUpscaleJobRequest(job_id=job_id, image_index=index, offset=offset),
        timeout=PATIENCE,
    )


def bytes_of(parts) -> bytes:
    return b"".join(part.image_chunk.data for part in parts if part.HasField("image_chunk"))


def state_name(job) -> str:
    return job_messages.UpscaleJobState.Name(job.state).removeprefix("UPSCALE_JOB_STATE_")


def test_a_job_is_created_watched_downloaded_and_deleted(client: Client):
    created = create(client, make_picture(), num_inference_steps=3, seed=5, n=2)
    job_id = created.job.job_id

    events = [answer.event for answer in watch(client, job_id)]
    pictures = [bytes_of(download(client, job_id, index=i)) for i in range(2)]

    assert created.created
    kinds = [event.WhichOneof("event") for event in events]
    assert (kinds[0], kinds[-1]) == ("accepted", "completed")
    assert kinds.count("image_header") == 2 and "image_chunk" not in kinds
    job = get(client, job_id)
    assert state_name(job) == "SUCCEEDED"
    assert job.fraction == 1
    assert [image.crc32 for image in job.images] == [zlib.crc32(picture) for picture in pictures]
    assert all(to_array(picture).shape == (128, 128, 3) for picture in pictures)
    # The same settings by a stream give the same pictures, but for a last bit where they
    # shared steps with others.
    same = client.upscale_stream(make_picture(), num_inference_steps=3, seed=5, n=2)
    for ours, theirs in zip(pictures, same):
        assert largest_difference(to_array(ours), theirs.array) <= 1

    client.jobs.DeleteUpscaleJob(job_messages.DeleteUpscaleJobRequest(job_id=job_id))
    with pytest.raises(grpc.RpcError) as gone:
        get(client, job_id)
    assert gone.value.code() == grpc.StatusCode.NOT_FOUND
    assert reason_of(gone.value) == "JOB_GONE"


def test_a_cut_connection_loses_no_event_and_no_byte(start_server):
    server = start_server(*SLOW, program=DELAY_SERVER)
    client = Client(server)
    picture = make_picture(200, 200)
    job_id = create(client, picture, num_inference_steps=40, preview_count=3).job.job_id

    # Every few events the connection is cut and another one goes on from the last sequence.
    seen = []
    done = False
    while not done:
        again = Client(server)
        call = watch(again, job_id, after=seen[-1].sequence if seen else 0)
        for count, answer in enumerate(call):
            seen.append(answer.event)
            if count == 6:
                break
        else:
            done = True
        again.channel.close()

    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    whole = [answer.event for answer in watch(client, job_id)]
    assert seen == whole
    steps = [event.progress.step for event in whole if event.HasField("progress")]
    assert steps == sorted(steps) and steps[-1] == 40

    expected = bytes_of(download(client, job_id))
    header = get(client, job_id).images[0]
    assert (header.total_bytes, header.crc32) == (len(expected), zlib.crc32(expected))
    received = b""
    while len(received) < len(expected):
        again = Client(server)
        for part in download(again, job_id, offset=len(received)):
            if part.HasField("image_chunk"):
                received += part.image_chunk.data
                break
        again.channel.close()
    assert received == expected


def test_a_request_id_makes_one_job_however_often_it_is_sent(start_server):
    server = start_server(*SLOW, program=DELAY_SERVER)
    client = Client(server)
    first = create(client, request_id="mine", num_inference_steps=5)
    again = create(client, request_id="mine", num_inference_steps=5)

    assert (first.created, again.created) == (True, False)
    assert again.job.job_id == first.job.job_id
    with pytest.raises(grpc.RpcError) as other:
        create(client, request_id="mine", num_inference_steps=6)
    assert other.value.code() == grpc.StatusCode.ALREADY_EXISTS
    assert reason_of(other.value) == "REQUEST_ID_REUSED"
    list(watch(client, first.job.job_id))
    assert server.metric("upscaler_admitted_total") == 1


def test_a_cancelled_job_frees_its_place_and_tells_its_watchers(start_server):
    server = start_server("--queue-capacity=1", "--step-ms=50", program=DELAY_SERVER)
    client = Client(server)
    job_id = create(client, num_inference_steps=200).job.job_id
    watching = watch(client, job_id)
    next(watching)

    client.jobs.CancelUpscaleJob(job_messages.CancelUpscaleJobRequest(job_id=job_id))

    with pytest.raises(grpc.RpcError) as end:
        list(watching)
    assert end.value.code() == grpc.StatusCode.CANCELLED
    assert state_name(get(client, job_id)) == "CANCELLED"
    server.await_metric("upscaler_finished_total", at_least=1, outcome="cancelled")
    assert list(client.start_stream(SMALL, num_inference_steps=1))


def test_jobs_are_listed_newest_first_in_pages(start_server):
    client = Client(start_server(program=DELAY_SERVER))
    created = [create(client, num_inference_steps=1).job.job_id for _ in range(5)]
    for job_id in created:
        list(watch(client, job_id))

    listed, token = [], ""
    while True:
        page = client.jobs.ListUpscaleJobs(
            job_messages.ListUpscaleJobsRequest(page_size=2, page_token=token)
        )
        listed += [job.job_id for job in page.jobs]
        if not (token := page.next_page_token):
            break

    assert listed == created[::-1]


def test_a_job_that_cannot_be_is_none(client: Client):
    for picture, fields, field in [
        (b"no picture", {}, "image"),
        (SMALL, {"num_inference_steps": 0}, "num_inference_steps"),
    ]:
        with pytest.raises(grpc.RpcError) as refusal:
            create(client, picture, request_id="bad", **fields)
        assert refusal.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert field_of(refusal.value) == field

    assert create(client, request_id="bad", num_inference_steps=1).created


def test_a_finished_job_outlives_the_server_and_an_unfinished_one_says_so(start_server, tmp_path):
    options = [f"--job-dir={tmp_path}", "--drain-seconds=0", *SLOW]
    first = start_server(*options, program=DELAY_SERVER)
    client = Client(first)
    finished = create(client, make_picture(), request_id="kept", num_inference_steps=2).job.job_id
    events = [answer.event for answer in watch(client, finished)]
    picture = bytes_of(download(client, finished))
    unfinished = create(client, num_inference_steps=200).job.job_id
    first.await_metric("upscaler_step_duration_seconds_count", at_least=4)
    first.end()
    first.check_exit()

    client = Client(start_server(*options, program=DELAY_SERVER))

    assert [answer.event for answer in watch(client, finished)] == events
    assert bytes_of(download(client, finished)) == picture
    assert not create(client, make_picture(), request_id="kept", num_inference_steps=2).created
    assert state_name(get(client, unfinished)) == "INTERRUPTED"
    with pytest.raises(grpc.RpcError) as end:
        list(watch(client, unfinished))
    assert end.value.code() == grpc.StatusCode.ABORTED
    assert reason_of(end.value) == "INTERRUPTED"


def test_a_job_of_another_key_is_not_there(start_server, tmp_path):
    keys = {"anna": "annas-key-0123456789", "bert": "berts-key-0123456789"}
    (tmp_path / "keys").write_text("".join(f"{name} {key}\n" for name, key in keys.items()))
    client = Client(start_server(f"--api-keys-file={tmp_path / 'keys'}", program=DELAY_SERVER))
    anna, bert = ((("authorization", f"Bearer {key}"),) for key in keys.values())
    job_id = client.jobs.CreateUpscaleJob(uploads(SMALL), metadata=anna).job.job_id
    asked = job_messages.GetUpscaleJobRequest(job_id=job_id)

    assert client.jobs.GetUpscaleJob(asked, metadata=anna).job.job_id == job_id
    with pytest.raises(grpc.RpcError) as hidden:
        client.jobs.GetUpscaleJob(asked, metadata=bert)
    assert hidden.value.code() == grpc.StatusCode.NOT_FOUND
    listed = client.jobs.ListUpscaleJobs(job_messages.ListUpscaleJobsRequest(), metadata=bert)
    assert not listed.jobs


def test_jobs_expire(start_server):
    client = Client(start_server("--job-ttl-seconds=1", program=DELAY_SERVER))
    job_id = create(client, num_inference_steps=1).job.job_id
    list(watch(client, job_id))

    while client.server.metric("upscaler_jobs_kept") > 0:
        pass

    with pytest.raises(grpc.RpcError) as gone:
        get(client, job_id)
    assert gone.value.code() == grpc.StatusCode.NOT_FOUND
