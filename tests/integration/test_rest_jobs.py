"""Jobs over REST: orders that are answered at once, watched, fetched and asked for again."""

import base64
import json
import socket
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from client import at_once
from pictures import SMALL, largest_difference, make_noise, to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

SLOW = ["--step-ms=20", "--batching=none"]

# Its result takes some MiB, far more than one part of a download.
LARGE = make_noise(1000, 1000)


class Rest:
    """A client of the REST service."""

    def __init__(self, server: ServerProcess, key: str = ""):
        self.server = server
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, method: str, path: str, **how) -> requests.Response:
        headers = self._headers | how.pop("headers", {})
        url = f"{self.server.rest_url}{path}"
        return requests.request(method, url, headers=headers, timeout=PATIENCE, **how)

    def get(self, path: str, **how) -> requests.Response:
        return self.ask("GET", path, **how)

    def order(self, picture: bytes = SMALL, headers: dict | None = None, **fields):
        parts = {name: (None, str(value)) for name, value in fields.items()}
        files = parts | {"image": ("in.png", picture, "image/png")}
        return self.ask("POST", "/v1/images/upscale", files=files, headers=headers or {})

    def start(self, picture: bytes = SMALL, key: str = "", **fields) -> dict:
        """A new job, or the one of that key."""
        headers = {"Prefer": "respond-async"} | ({"Idempotency-Key": key} if key else {})
        answer = self.order(picture, headers, **fields)
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"/v1/jobs/{answer.json()['id']}"
        assert answer.headers["Preference-Applied"] == "respond-async"
        return answer.json()

    def events(self, job: dict, after: int = 0) -> Iterator[dict]:
        """Ends when the stream does; a caller that stops earlier hangs up."""
        headers = {"Last-Event-ID": str(after)} if after else {}
        with self.get(f"/v1/jobs/{job['id']}/events", headers=headers, stream=True) as answer:
            assert answer.status_code == 200, answer.text
            for line in answer.iter_lines():
                if line.startswith(b"data: "):
                    yield json.loads(line.removeprefix(b"data: "))

    def finish(self, job: dict) -> dict:
        """The job, once it has ended."""
        list(self.events(job))
        return self.get(f"/v1/jobs/{job['id']}").json()


def code_of(answer: requests.Response) -> str:
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error["code"]


@pytest.fixture
def rest(start_server) -> Rest:
    return Rest(start_server(*SLOW, program=DELAY_SERVER))


def test_a_job_is_ordered_watched_fetched_and_deleted(rest: Rest):
    job = rest.start(num_inference_steps=5, n=2, seed=5)
    path = f"/v1/jobs/{job['id']}"
    assert job["status"] in ("queued", "running") and job["images"] == []
    early = rest.get(f"{path}/images/0")
    assert (early.status_code, code_of(early)) == (409, "job_not_finished")

    events = list(rest.events(job))

    kinds = [event["type"].removeprefix("image_upscale.") for event in events]
    assert kinds[0] == "queued" and kinds[-2:] == ["completed", "completed"]
    assert {event["id"] for event in events} == {job["id"]}
    done = rest.get(path).json()
    assert (done["status"], done["fraction"], done["error"]) == ("succeeded", 1, None)
    assert done["input_size"] == {"width": 16, "height": 16}
    assert done["output_size"] == {"width": 32, "height": 32}
    assert done["created_at"] <= done["ended_at"] < done["expires_at"]
    assert done["last_sequence"] == events[-1]["sequence"]
    for event, image in zip(events[-2:], done["images"]):
        assert event["url"] == image["url"] == f"{path}/images/{image['index']}"
        picture = rest.get(image["url"])
        assert picture.headers["Content-Type"] == "image/png"
        assert int(picture.headers["Seed"]) == image["seed"] == 5 + image["index"]
        assert len(picture.content) == image["bytes"]
        assert f"{zlib.crc32(picture.content):08x}" == image["crc32"]
        assert to_array(picture.content).shape == (32, 32, 3)

    assert rest.ask("DELETE", path).status_code == 204
    for gone in ("", "/events", "/images/0"):
        answer = rest.get(path + gone)
        assert (answer.status_code, code_of(answer)) == (410, "job_gone")
    assert rest.ask("DELETE", path).status_code == 410


def test_a_cut_connection_loses_no_event(rest: Rest):
    job = rest.start(num_inference_steps=40, n=2, partial_images=3)

    # Every few events the connection is cut and another one goes on from the last number.
    seen: list[dict] = []
    while not seen or seen[-1]["type"] != "image_upscale.completed" or seen[-1]["image_index"] != 1:
        for count, event in enumerate(rest.events(job, after=seen[-1]["sequence"] if seen else 0)):
            seen.append(event)
            if count == 4:
                break

    whole = list(rest.events(job))
    assert [event["sequence"] for event in seen] == [event["sequence"] for event in whole]
    assert [event["type"] for event in seen] == [event["type"] for event in whole]
    assert sum(event["type"] == "image_upscale.partial_image" for event in seen) == 6
    # Who has seen the end is not to come back.
    last = {"Last-Event-ID": str(whole[-1]["sequence"])}
    assert rest.get(f"/v1/jobs/{job['id']}/events", headers=last).status_code == 204
    beyond = rest.get(f"/v1/jobs/{job['id']}/events?after=1000000")
    assert beyond.status_code == 400 and beyond.json()["error"]["param"] == "after"


def test_a_download_that_broke_off_goes_on(rest: Rest):
    image = rest.finish(rest.start(LARGE, num_inference_steps=1))["images"][0]
    whole = rest.get(image["url"])
    tag = whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes" and len(whole.content) == image["bytes"]

    received = b""
    while len(received) < image["bytes"]:
        headers = {"Range": f"bytes={len(received)}-", "If-Range": tag}
        with rest.get(image["url"], headers=headers, stream=True) as answer:
            assert answer.status_code == 206
            last = image["bytes"] - 1
            assert answer.headers["Content-Range"] == f"bytes {len(received)}-{last}/{last + 1}"
            # Hangs up after a third.
            received += answer.raw.read(image["bytes"] // 3 + 1)

    assert received == whole.content


def test_ranges_and_conditions_are_those_of_http(rest: Rest):
    url = rest.finish(rest.start(num_inference_steps=1))["images"][0]["url"]
    whole = rest.get(url)
    size, tag = len(whole.content), whole.headers["ETag"]

    for asked, status, content in [
        ("bytes=0-0", 206, whole.content[:1]),
        ("bytes=10-19", 206, whole.content[10:20]),
        ("bytes=-7", 206, whole.content[-7:]),
        (f"bytes={size - 1}-{size + 99}", 206, whole.content[-1:]),
        ("bytes=0-1,4-5", 200, whole.content),
        ("bytes=x", 200, whole.content),
    ]:
        answer = rest.get(url, headers={"Range": asked})
        assert (answer.status_code, answer.content) == (status, content), asked
        assert answer.headers["Content-Length"] == str(len(content))
    beyond = rest.get(url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{size}")
    stale = rest.get(url, headers={"Range": "bytes=1-2", "If-Range": '"other"'})
    assert (stale.status_code, stale.content) == (200, whole.content)
    known = rest.get(url, headers={"If-None-Match": tag})
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    head = rest.ask("HEAD", url)
    assert (head.status_code, head.content) == (200, b"")
    assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(size), tag)
    assert rest.get(url.removesuffix("0") + "1").status_code == 404


def test_a_cancelled_job_says_so_everywhere(rest: Rest):
    job = rest.start(num_inference_steps=200)
    path = f"/v1/jobs/{job['id']}"
    watching = rest.events(job)
    next(watching)

    cancelled = rest.ask("POST", f"{path}/cancel")

    assert cancelled.status_code == 200 and cancelled.json()["id"] == job["id"]
    assert list(watching)[-1]["type"] == "image_upscale.error"
    assert rest.get(path).json()["status"] == "cancelled"
    picture = rest.get(f"{path}/images/0")
    assert (picture.status_code, code_of(picture)) == (410, "job_cancelled")
    # It stays as it is.
    assert rest.ask("POST", f"{path}/cancel").json()["status"] == "cancelled"


def test_jobs_are_listed_newest_first_in_pages(rest: Rest):
    ids = [rest.start(num_inference_steps=1)["id"] for _ in range(5)]
    for job_id in ids:
        rest.finish({"id": job_id})

    listed, after = [], ""
    while after is not None:
        page = rest.get("/v1/jobs", params={"limit": 2, "after": after}).json()
        assert page["object"] == "list" and page["has_more"] == (page["next"] is not None)
        listed += [job["id"] for job in page["data"]]
        after = page["next"]

    assert listed == ids[::-1]
    assert rest.get("/v1/jobs?status=failed").json()["data"] == []
    for query, param in [("limit=0", "limit"), ("status=done", "status"), ("after=x", "after")]:
        refused = rest.get(f"/v1/jobs?{query}")
        assert refused.status_code == 400 and refused.json()["error"]["param"] == param


def test_one_key_is_one_upscale_however_it_is_asked_for(rest: Rest):
    fields = {"num_inference_steps": 5, "seed": 3}
    key = {"Idempotency-Key": "mine"}

    first = rest.order(headers=key, **fields)
    again = rest.order(headers=key, **fields)
    image = rest.order(headers=key | {"Accept": "image/png"}, output_format="png", **fields)
    stream = rest.order(headers=key, stream="true", **fields)
    job = rest.start(key="mine", **fields)

    assert first.status_code == again.status_code == 200
    assert first.json()["data"] == again.json()["data"]
    picture = base64.b64decode(first.json()["data"][0]["b64_json"])
    assert image.headers["Content-Type"] == "image/png" and image.content == picture
    completed = json.loads(stream.text.split("data: ")[-1])
    assert completed["type"] == "image_upscale.completed"
    assert base64.b64decode(completed["b64_json"]) == picture
    assert rest.get(rest.finish(job)["images"][0]["url"]).content == picture
    assert rest.server.metric("upscaler_admitted_total") == 1
    # But for chance it is what a plain call gives.
    plain = base64.b64decode(rest.order(**fields).json()["data"][0]["b64_json"])
    assert largest_difference(to_array(plain), to_array(picture)) <= 1

    for headers in (key, key | {"Prefer": "respond-async"}):
        other = rest.order(headers=headers, num_inference_steps=6, seed=3)
        assert other.status_code == 409 and other.headers["x-should-retry"] == "false"
    for bad in ("", "two words", "x" * 129):
        refused = rest.order(headers={"Idempotency-Key": bad}, **fields)
        assert refused.status_code == 400
        assert refused.json()["error"]["param"] == "Idempotency-Key"


def test_a_killed_connection_costs_nothing_when_it_had_a_key(rest: Rest):
    fields = {"num_inference_steps": "30", "seed": "3"}
    order = requests.Request(
        "POST", f"{rest.server.rest_url}/v1/images/upscale", data=fields, files={"image": SMALL}
    ).prepare()
    head = (
        "POST /v1/images/upscale HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: mine\r\n"
        f"Content-Type: {order.headers['Content-Type']}\r\nContent-Length: {len(order.body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", rest.server.rest_port)) as connection:
        connection.sendall(head.encode() + order.body)
        rest.server.await_metric("upscaler_step_duration_seconds_count", at_least=2)

    answer = rest.order(headers={"Idempotency-Key": "mine"}, **fields)

    assert answer.status_code == 200
    assert rest.server.metric("upscaler_admitted_total") == 1
    assert rest.server.metric("upscaler_finished_total", outcome="cancelled") == 0


def test_the_same_key_at_the_same_time_is_one_upscale(rest: Rest):
    def order(_: int) -> dict:
        answer = rest.order(headers={"Idempotency-Key": "mine"}, num_inference_steps=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    answers = at_once(order, range(5))

    assert all(answer["data"] == answers[0]["data"] for answer in answers)
    assert rest.server.metric("upscaler_admitted_total") == 1


def test_a_job_of_another_key_is_not_there(start_server, tmp_path: Path):
    keys = {"anna": "annas-key-0123456789", "bert": "berts-key-0123456789"}
    (tmp_path / "keys").write_text("".join(f"{name} {key}\n" for name, key in keys.items()))
    server = start_server(f"--api-keys-file={tmp_path / 'keys'}", program=DELAY_SERVER)
    anna, bert, nobody = (Rest(server, key) for key in [*keys.values(), ""])
    job = anna.start(key="mine", num_inference_steps=1)
    path = f"/v1/jobs/{job['id']}"
    anna.finish(job)

    for method, rest_of_path in [
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/images/0"),
        ("HEAD", "/images/0"),
        ("POST", "/cancel"),
        ("DELETE", ""),
    ]:
        assert bert.ask(method, path + rest_of_path).status_code == 404
        assert nobody.ask(method, path + rest_of_path).status_code == 401
    assert bert.get("/v1/jobs").json()["data"] == []
    assert nobody.get("/v1/jobs").status_code == 401
    assert bert.start(key="mine", num_inference_steps=2)["id"] != job["id"]
    assert anna.get(path).json()["status"] == "succeeded"


def test_downloads_that_nobody_reads_hold_no_memory(rest: Rest):
    image = rest.finish(rest.start(LARGE, num_inference_steps=1))["images"][0]
    rest.get(image["url"])
    before = resident_bytes(rest.server)

    answers = [rest.get(image["url"], stream=True) for _ in range(100)]
    for answer in answers:
        answer.raw.read(1000)

    # All of them would be hundreds of MiB.
    assert 100 * image["bytes"] > 256 << 20
    assert resident_bytes(rest.server) - before < 64 << 20
    for answer in answers:
        answer.close()
    assert rest.get(image["url"]).status_code == 200


def resident_bytes(server: ServerProcess) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def test_what_a_job_may_not_be_is_refused_like_any_upscale(rest: Rest):
    for fields, param in [({"n": 11}, "n"), ({"num_inference_steps": 0}, "num_inference_steps")]:
        refused = rest.order(headers={"Prefer": "respond-async"}, **fields)
        assert refused.status_code == 400 and refused.json()["error"]["param"] == param
    assert rest.get("/v1/jobs").json()["data"] == []
    assert rest.get(f"/v1/jobs/{'0' * 32}").status_code == 404


def test_a_watch_of_a_deleted_job_ends(rest: Rest):
    job = rest.start(num_inference_steps=200)
    watching = rest.events(job)
    next(watching)

    rest.ask("DELETE", f"/v1/jobs/{job['id']}")

    last = list(watching)[-1]
    assert last["type"] == "image_upscale.error" and last["error"]["code"] == "job_gone"
