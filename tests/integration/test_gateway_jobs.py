"""Jobs, events and cancellation through a gateway of its own, in front of two servers."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import requests

from client import at_once
from pictures import SMALL, make_noise
from server_process import DELAY_SERVER, GATEWAY, PATIENCE, ServerProcess

UPSCALE = "/v1/images/upscale"
Start = Callable[..., ServerProcess]


@dataclass
class House:
    """A gateway and the servers behind it."""

    gateway: ServerProcess
    backends: list[ServerProcess]

    def ask(self, method: str, path: str, **how) -> requests.Response:
        return requests.request(method, self.gateway.rest_url + path, timeout=PATIENCE, **how)

    def get(self, path: str, **how) -> requests.Response:
        return self.ask("GET", path, **how)

    def order(self, picture: bytes = SMALL, headers=None, **fields) -> requests.Response:
        return self.ask(
            "POST", UPSCALE, files={"image": picture}, data=fields, headers=headers or {}
        )

    def start(self, picture: bytes = SMALL, **fields) -> dict:
        answer = self.order(picture, {"Prefer": "respond-async"}, **fields)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def events(self, path: str, **how) -> list[dict]:
        return events_of(self.get(path, **how))

    def home_of(self, job: dict) -> ServerProcess:
        """The server that has the job; its own id is the public one without its prefix."""
        path = f"/v1/jobs/{job['id'].partition('-')[2]}"
        homes = [
            one
            for one in self.backends
            if requests.get(one.rest_url + path, timeout=PATIENCE).status_code == 200
        ]
        assert len(homes) == 1
        return homes[0]


def events_of(answer: requests.Response) -> list[dict]:
    assert answer.status_code == 200, answer.text
    lines = answer.text.splitlines()
    return [json.loads(line[len("data: ") :]) for line in lines if line.startswith("data: ")]


def build(start_server: Start, *options: str, step_ms: int = 5) -> House:
    backends = [
        start_server(
            f"--step-ms={step_ms}", "--warm-up-seconds=0", *options, program=DELAY_SERVER
        )
        for _ in range(2)
    ]
    addresses = ",".join(backend.grpc_address for backend in backends)
    gateway = start_server(f"--backend={addresses}", program=GATEWAY, awaited="listening")
    gateway.await_log("model")
    house = House(gateway, backends)
    # New jobs take turns once the gateway knows that both are ready.
    homes: set[int] = set()
    while len(homes) < 2:
        homes.add(house.home_of(house.start(num_inference_steps=1)).pid)
    while any(backend.metric("upscaler_in_flight") > 0 for backend in backends):
        pass
    return house


@pytest.fixture
def house(start_server) -> House:
    return build(start_server)


def test_jobs_take_turns_and_their_ids_lead_back(house: House):
    jobs = [house.start(num_inference_steps=2, seed=seed) for seed in range(4)]

    for seed, job in enumerate(jobs):
        path = f"/v1/jobs/{job['id']}"
        events = house.events(f"{path}/events")
        assert {event["id"] for event in events} == {job["id"]}
        assert events[-1]["type"] == "image_upscale.completed"
        done = house.get(path).json()
        assert (done["id"], done["status"]) == (job["id"], "succeeded")
        image = done["images"][0]
        assert image["url"] == events[-1]["url"] == f"{path}/images/0"
        assert image["seed"] == seed
        assert len(house.get(image["url"]).content) == image["bytes"]
    assert len({job["id"].partition("-")[0] for job in jobs}) == 2
    assert len({house.home_of(job).pid for job in jobs}) == 2


def test_events_and_downloads_go_on_where_they_broke_off(house: House):
    job = house.start(make_noise(500, 500), num_inference_steps=5)
    path = f"/v1/jobs/{job['id']}"

    whole = house.events(f"{path}/events")
    rest = house.events(f"{path}/events", headers={"Last-Event-ID": str(whole[1]["sequence"])})
    picture = house.get(f"{path}/images/0")
    part = house.get(f"{path}/images/0", headers={"Range": "bytes=100000-"})

    assert [event["sequence"] for event in rest] == [event["sequence"] for event in whole[2:]]
    assert part.status_code == 206
    assert part.content == picture.content[100_000:]
    known = {"If-None-Match": picture.headers["ETag"]}
    assert house.get(f"{path}/images/0", headers=known).status_code == 304


def test_a_job_is_cancelled_and_deleted_where_it_is(start_server):
    house = build(start_server, step_ms=50)
    jobs = [house.start(num_inference_steps=200) for _ in range(2)]

    cancelled = house.ask("POST", f"/v1/jobs/{jobs[0]['id']}/cancel")
    deleted = house.ask("DELETE", f"/v1/jobs/{jobs[1]['id']}")

    assert cancelled.status_code == 200 and cancelled.json()["id"] == jobs[0]["id"]
    assert deleted.status_code == 204
    house.home_of(jobs[0]).await_metric(
        "upscaler_finished_total", at_least=1, outcome="cancelled"
    )
    last = house.events(f"/v1/jobs/{jobs[0]['id']}/events")[-1]
    assert last["type"] == "image_upscale.error"
    assert house.get(f"/v1/jobs/{jobs[1]['id']}").status_code == 410


def listed(house: House, **query) -> Iterator[dict]:
    after = ""
    while after is not None:
        answer = house.get("/v1/jobs", params={"after": after, **query})
        assert answer.status_code == 200, answer.text
        page = answer.json()
        yield from page["data"]
        after = page["next"]


def test_the_list_goes_through_all_servers(house: House):
    before = {job["id"] for job in listed(house)}
    jobs = [house.start(num_inference_steps=1) for _ in range(5)]

    for limit in (1, 2, 100):
        ids = [job["id"] for job in listed(house, limit=limit)]
        assert len(ids) == len(set(ids))
        assert set(ids) - before == {job["id"] for job in jobs}


def list_all(house: House) -> requests.Response:
    """The last page of the list, or the first one that is refused."""
    answer = house.get("/v1/jobs?limit=100")
    while answer.status_code == 200 and answer.json()["has_more"]:
        after = answer.json()["next"]
        answer = house.get("/v1/jobs", params={"limit": 100, "after": after})
    return answer


def test_what_a_server_has_that_is_away_is_not_said_to_be_gone(house: House):
    jobs = [house.start(num_inference_steps=1) for _ in range(2)]
    away, there = (house.home_of(job) for job in jobs)
    for job in jobs:
        house.events(f"/v1/jobs/{job['id']}/events")
    assert list_all(house).status_code == 200

    away.kill()
    away.check_exit()
    house.backends = [there]

    lost, kept = (house.get(f"/v1/jobs/{job['id']}") for job in jobs)
    assert lost.status_code == 503 and "Retry-After" in lost.headers
    assert kept.json()["status"] == "succeeded"
    assert list_all(house).status_code == 503
    # New ones go to the server that is left; the gateway may have to hear of it first.
    while house.order(headers={"Prefer": "respond-async"}).status_code != 202:
        pass
    for _ in range(3):
        assert house.home_of(house.start(num_inference_steps=1)) is there
    assert house.get(f"/v1/jobs/{'0' * 8}-{'0' * 32}").status_code == 404


def test_one_key_is_one_job(house: House):
    def order(_: int) -> requests.Response:
        return house.order(headers={"Idempotency-Key": "mine"}, num_inference_steps=5)

    answers = at_once(order, range(5))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["data"][0]["b64_json"] for answer in answers}) == 1


def test_events_come_through_while_the_work_goes_on(start_server):
    house = build(start_server, step_ms=20)

    with house.ask(
        "POST",
        UPSCALE,
        files={"image": SMALL},
        data={"stream": "true", "num_inference_steps": 100, "partial_images": 2},
        stream=True,
    ) as answer:
        kinds = []
        for line in answer.iter_lines():
            if not line.startswith(b"event: "):
                continue
            kinds.append(line.removeprefix(b"event: image_upscale.").decode())
            if kinds.count("progress") == 1 and kinds[-1] == "progress":
                assert any(one.metric("upscaler_in_flight") > 0 for one in house.backends)

    assert kinds[0] == "queued" and kinds[-1] == "completed"
    assert kinds.count("partial_image") == 2
    assert kinds.count("progress") > 5


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_closed_socket_ends_the_work_behind_the_gateway(start_server, stream):
    house = build(start_server, step_ms=50)
    request = requests.Request(
        "POST",
        "http://localhost/",
        files={"image": SMALL},
        data={"stream": stream, "num_inference_steps": 200},
    ).prepare()
    head = (
        f"POST {UPSCALE} HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: {request.headers['Content-Type']}\r\n"
        f"Content-Length: {len(request.body)}\r\n\r\n"
    )

    def running() -> list[ServerProcess]:
        return [one for one in house.backends if one.metric("upscaler_in_flight") > 0]

    with socket.create_connection(("127.0.0.1", house.gateway.rest_port)) as connection:
        connection.sendall(head.encode() + request.body)
        while not running():
            pass
        (home,) = running()

    home.await_metric("upscaler_requests_total", at_least=1, code="CANCELLED", api="rest")
    assert home.metric("upscaler_rows_admitted") == 0
    while house.gateway.metric("upscaler_gateway_open_requests") > 0:
        pass


def test_a_gateway_that_knows_one_name_for_all_has_no_jobs(start_server):
    backend = start_server("--warm-up-seconds=0", program=DELAY_SERVER)
    port = backend.grpc_address.partition(":")[2]
    gateway = start_server(
        f"--backend=dns:///127.0.0.1:{port}", program=GATEWAY, awaited="listening"
    )
    gateway.await_log("model")
    house = House(gateway, [backend])

    assert house.order(num_inference_steps=1).status_code == 200
    for answer in (
        house.order(headers={"Prefer": "respond-async"}),
        house.order(headers={"Idempotency-Key": "mine"}),
        house.get("/v1/jobs"),
        house.get(f"/v1/jobs/{'0' * 32}"),
        house.get(f"/v1/jobs/{'0' * 32}/events"),
        house.get(f"/v1/jobs/{'0' * 32}/images/0"),
        house.ask("POST", f"/v1/jobs/{'0' * 32}/cancel"),
        house.ask("DELETE", f"/v1/jobs/{'0' * 32}"),
    ):
        assert answer.status_code == 501, answer.url
        error = answer.json()["error"]
        assert (error["type"], error["param"], error["code"]) == ("server_error", None, None)
        assert answer.headers["x-should-retry"] == "false"


def test_servers_that_serve_different_models_go_by_one_name(start_server):
    backends = [
        start_server(f"--model-name={name}", "--warm-up-seconds=0", program=DELAY_SERVER)
        for name in ("old", "new")
    ]
    addresses = ",".join(backend.grpc_address for backend in backends)
    gateway = start_server(f"--backend={addresses}", program=GATEWAY, awaited="listening")

    warning = gateway.await_log(
        "the backends serve different models, and upscales go to any of them"
    )
    house = House(gateway, backends)
    names = {house.order(num_inference_steps=1).json()["model"] for _ in range(8)}

    assert warning["models"] == "old, new"
    assert names == {warning["told"]}
    served = backends[["old", "new"].index(warning["told"])]
    served.end()
    served.check_exit()
    other = "new" if warning["told"] == "old" else "old"
    while house.order(num_inference_steps=1).json().get("model") != other:
        pass
