"""Errors of docs/rest.md that come with jobs, and with a gateway whose servers are away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import requests

from client import QUICK
from pictures import SMALL, make_noise, make_picture
from rest_error import check
from server_process import DELAY_SERVER, GATEWAY, PATIENCE, ServerProcess

UPSCALE = "/v1/images/upscale"


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    process = ServerProcess("--most-pixels=4096", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture
def start(start_server) -> Callable[..., ServerProcess]:
    """Starts a server around the stand-in for the model."""
    return lambda *options, **how: start_server(*options, program=DELAY_SERVER, **how)


class Jobs:
    """Jobs of one server."""

    def __init__(self, server: ServerProcess):
        self._server = server

    def ask(self, path: str, method: str = "GET", **how) -> requests.Response:
        url = f"{self._server.rest_url}/v1/jobs{path}"
        return requests.request(method, url, timeout=PATIENCE, **how)

    def order(self, picture: bytes = SMALL, key: str = "", wait: bool = False, **fields):
        headers = {} if wait else {"Prefer": "respond-async"}
        headers |= {"Idempotency-Key": key} if key else {}
        return requests.post(
            self._server.rest_url + UPSCALE,
            files={"image": picture},
            data=QUICK | fields,
            headers=headers,
            timeout=PATIENCE,
        )

    def start(self, picture: bytes = SMALL, **fields) -> str:
        """The path of a new job."""
        answer = self.order(picture, **fields)
        assert answer.status_code == 202, answer.text
        return f"/{answer.json()['id']}"

    def end(self, path: str) -> str:
        """How it has ended, once it has."""
        self.ask(f"{path}/events")
        return self.ask(path).json()["status"]


def test_jobs_that_are_not_there(server: ServerProcess):
    jobs = Jobs(server)

    for path in ("/" + "0" * 32, "/no-such-job"):
        check(jobs.ask(path), 404, "job_not_found", "job_id")
        check(jobs.ask(f"{path}/events"), 404, "job_not_found", "job_id")
        check(jobs.ask(f"{path}/images/0"), 404, "job_not_found", "job_id")
        check(jobs.ask(path, "DELETE"), 404, "job_not_found", "job_id")
        check(jobs.ask(f"{path}/cancel", "POST"), 404, "job_not_found", "job_id")
    path = jobs.start()
    assert jobs.end(path) == "succeeded"
    jobs.ask(path, "DELETE")
    check(jobs.ask(path), 410, "job_gone", "job_id")


def test_pictures_that_a_job_has_not(server: ServerProcess):
    jobs = Jobs(server)
    path = jobs.start()
    assert jobs.end(path) == "succeeded"

    check(jobs.ask(f"{path}/images/1"), 404, "image_not_found")
    check(jobs.ask(f"{path}/images/x"), 404, "image_not_found")
    beyond = jobs.ask(f"{path}/images/0", headers={"Range": "bytes=99999999-"})
    check(beyond, 416, "range_not_satisfiable", "Range")
    check(jobs.ask("?limit=0"), 400, None, "limit")
    check(jobs.ask(f"{path}/events?after=x"), 400, None, "after")


def test_jobs_that_end_without_pictures(start):
    server = start("--step-ms=15")
    jobs = Jobs(server)
    cancelled = jobs.start(key="cancelled", num_inference_steps=200)
    check(jobs.ask(f"{cancelled}/images/0"), 409, "job_not_finished")
    jobs.ask(f"{cancelled}/cancel", "POST")

    assert jobs.end(cancelled) == "cancelled"
    check(jobs.ask(f"{cancelled}/images/0"), 410, "job_cancelled")
    # Who waits for the job of that key hears what it came to.
    waited = jobs.order(key="cancelled", wait=True, num_inference_steps=200)
    check(waited, 410, "job_cancelled")
    check(jobs.order(key="cancelled"), 409, "request_id_reused", "Idempotency-Key")


def test_a_job_that_failed(server: ServerProcess):
    jobs = Jobs(server)
    path = jobs.start(make_picture(128, 128))

    assert jobs.end(path) == "failed"
    assert jobs.ask(path).json()["error"]["code"] == "out_of_memory"
    check(jobs.ask(f"{path}/images/0"), 410, "job_failed")


def test_a_job_whose_server_ended(start, tmp_path):
    options = [f"--job-dir={tmp_path}", "--drain-seconds=0", "--step-ms=15"]
    first = start(*options)
    with ThreadPoolExecutor() as pool:
        waits = pool.submit(Jobs(first).order, key="mine", wait=True, num_inference_steps=200)
        first.await_metric("upscaler_step_duration_seconds_count", at_least=1)
        first.end()
        check(waits.result(), 503, "interrupted")
    first.check_exit()

    jobs = Jobs(start(*options))

    (job,) = jobs.ask("").json()["data"]
    assert job["status"] == "interrupted"
    path = f"/{job['id']}"
    check(jobs.ask(f"{path}/images/0"), 410, "job_interrupted")
    # It can be ordered anew, under its own key.
    assert jobs.order(key="mine", wait=True, num_inference_steps=200).status_code == 200


def test_too_many_jobs_are_told_to_wait(start):
    server = start("--max-jobs=1", "--step-ms=100")
    jobs = Jobs(server)
    path = jobs.start(num_inference_steps=200)

    check(jobs.order(), 429, "jobs_full")
    jobs.ask(path, "DELETE")


def test_too_many_watchers_are_told_to_wait(start):
    jobs = Jobs(start("--step-ms=100"))
    path = jobs.start(num_inference_steps=200)

    with ExitStack() as watchers:
        for _ in range(16):
            watcher = watchers.enter_context(jobs.ask(f"{path}/events", stream=True))
            assert watcher.status_code == 200
        check(jobs.ask(f"{path}/events"), 429, "too_many_watchers")
    jobs.ask(path, "DELETE")


def test_pictures_that_are_too_large_to_be_kept(start):
    jobs = Jobs(start("--job-mib=1"))

    order = jobs.order(make_noise(512, 512), wait=True, key="mine", n=10)
    check(order, 413, "result_too_large")


def order(server: ServerProcess) -> requests.Response:
    return Jobs(server).order(wait=True)


def test_a_gateway_without_its_servers(start, start_server):
    backend = start("--warm-up-seconds=0")
    port = backend.grpc_address.partition(":")[2]
    one, all_by_one_name = (
        start_server(f"--backend={address}", program=GATEWAY, awaited="listening")
        for address in (backend.grpc_address, f"dns:///127.0.0.1:{port}")
    )
    nobody = start_server("--backend=127.0.0.1:1", program=GATEWAY, awaited="listening")
    for gateway in (one, all_by_one_name):
        gateway.await_log("model")

    check(Jobs(all_by_one_name).ask(""), 501)
    check(Jobs(all_by_one_name).order(), 501)
    check(order(nobody), 503, "loading")
    check(requests.get(nobody.rest_url + "/readyz", timeout=PATIENCE), 503, "unavailable")
    capabilities = requests.get(nobody.rest_url + "/v1/capabilities", timeout=PATIENCE)
    check(capabilities, 503, "unavailable")

    backend.kill()
    backend.check_exit()

    check(order(one), 503, "unavailable")
    check(Jobs(one).ask("/" + "0" * 32), 503, "unavailable")
    for path in ("/v1/models", "/v1/models/demo", "/v1/capabilities"):
        check(requests.get(one.rest_url + path, timeout=PATIENCE), 503, "unavailable")
