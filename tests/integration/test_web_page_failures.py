"""The web page when something goes wrong: what it says, where it leads, and how to go on."""

import json
import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Route, expect

from browser import WebPage
from client import Client, at_once
from pictures import SMALL, make_picture
from server_process import DELAY_SERVER, GATEWAY, PATIENCE, SOURCE

PICTURE = make_picture(96, 64)
KEY = "annas-key-0123456789abcdef"


def started(page: WebPage, **fields) -> WebPage:
    page.choose("in.png", PICTURE)
    page.set(**fields)
    page.start()
    return page


def test_what_is_not_a_picture_is_named(page: WebPage):
    page.choose("letter.txt", b"Dear Anna, no picture is enclosed.")
    page.start()

    page.await_state("failed")
    assert "Picture: " in page.alert()
    assert page.has_focus(page.find("button", "Choose another"))
    page.choose("in.png", PICTURE)
    page.upscale(steps=2)  # And all is well.


@pytest.mark.parametrize(
    "label, value",
    [("Guidance", "50.5"), ("Guidance", "-1"), ("Steps", "0"), ("Steps", "2.5"), ("Seed", "many")],
)
def test_a_bad_setting_is_named_before_anything_is_sent(page: WebPage, label, value):
    sent = []
    page.page.on("request", lambda request: sent.append(request.method))

    started(page, **{label.lower(): value})

    assert page.alert().startswith(f"{label}: ")
    field = page.page.get_by_label(label, exact=True)
    assert page.has_focus(field)
    assert field.get_attribute("aria-invalid") == "true"
    assert "POST" not in sent
    field.fill("1")
    expect(page.page.get_by_role("alert").filter(has_text=label)).to_have_count(0)


def test_a_setting_that_the_server_refuses_is_named(page: WebPage):
    started(page, negative_prompt="x" * 10_001)

    page.await_state("failed")
    assert page.alert().startswith("Negative prompt: ")
    assert page.has_focus(page.page.get_by_label("Negative prompt", exact=True))


def test_a_full_server_is_asked_again_when_it_says(open_page, start_server):
    server = start_server("--step-ms=20", "--queue-capacity=1", program=DELAY_SERVER)
    page = open_page(server)
    other = Client(server).start_stream(SMALL, num_inference_steps=200)
    next(other)

    started(page, steps=2)

    page.await_state("failed")
    assert "The server is busy" in page.alert()
    retry = page.page.locator("#failure button")
    assert re.fullmatch(r"Try again in \d+ s", retry.inner_text())
    expect(retry).to_be_disabled()
    other.cancel()
    expect(retry).to_have_text("Try again")
    expect(page.page.locator("#announcer")).to_have_text("You can try again")
    retry.click()
    page.await_state("finished")


def test_a_server_that_is_loading_is_asked_again(open_page, start_server):
    server = start_server("--load-ms=2000", program=DELAY_SERVER, awaited="listening")
    page = open_page(server)

    started(page, steps=2)

    page.await_state("failed")
    assert "The server is not ready" in page.alert()
    server.await_log("ready")
    page.page.locator("#failure button").click()
    page.await_state("finished")


def test_a_server_that_is_gone_is_reported(open_page, start_server):
    server = start_server("--step-ms=10", program=DELAY_SERVER)
    page = open_page(server)
    page.choose("in.png", PICTURE)
    server.end()
    server.check_exit()

    page.start()

    page.await_state("failed")
    assert "The server cannot be reached" in page.alert()
    expect(page.page.locator("#failure button")).to_be_enabled()
    expect(page.page.locator("#picture-bar")).to_contain_text("in.png")


def check_not_ready(page: WebPage) -> None:
    """The page says so, and offers another try."""
    page.await_state("failed")
    assert "The server is not ready" in page.alert()
    expect(page.page.locator("#failure button")).to_be_visible()


def test_a_server_that_goes_away_meanwhile_is_reported(open_page, start_server):
    server = start_server("--step-ms=20", "--drain-seconds=0", program=DELAY_SERVER)
    page = started(open_page(server), steps=200)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)

    server.end()

    check_not_ready(page)


def test_a_server_behind_a_gateway_that_goes_away_is_reported(open_page, start_server):
    server = start_server("--step-ms=20", program=DELAY_SERVER)
    gateway = start_server(f"--backend={server.grpc_address}", program=GATEWAY, awaited="listening")
    gateway.await_log("model")
    page = started(open_page(gateway), steps=200)
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)

    server.kill()

    check_not_ready(page)
    server.check_exit()


def test_a_picture_that_the_device_has_no_memory_for_is_too_large(open_page, start_server):
    server = start_server("--most-pixels=6000", program=DELAY_SERVER)

    page = started(open_page(server), steps=2)

    page.await_state("failed")
    assert "The picture is too large" in page.alert()


def test_an_earlier_result_survives_a_failure(page: WebPage):
    page.choose("in.png", PICTURE)
    page.upscale(steps=2)
    wanted = page.download()

    page.set(negative_prompt="x" * 10_001)
    page.start()

    page.await_state("failed")
    assert page.download() == wanted


# Of docs/rest.md's table of errors: status, code and whether to come back, of what may happen
# to a request that was accepted.
ERRORS = [
    (int(status), code, again != "no")
    for status, codes, again in re.findall(
        r"^\| (413|429|500|503|504) \| (.*?) \|.*\| (.*?) \|$",
        (SOURCE / "docs/rest.md").read_text(),
        re.MULTILINE,
    )
    for code in re.findall("`(.*?)`", codes) or [None]
    if code != "body_too_large"  # It is found before there is a stream.
]
TITLES = {
    413: "The picture is too large",
    429: "The server is busy",
    500: "The server failed",
    503: "The server is not ready",
    504: "It took too long",
}


def fulfilled_with(events: str) -> Callable[[Route], None]:
    # With a second parameter, playwright would hand the request over as well.
    return lambda route: route.fulfill(body=events, content_type="text/event-stream")


def test_a_failure_inside_of_a_stream_is_told_like_one_before_it(page: WebPage):
    assert len(ERRORS) > 15
    page.choose("in.png", PICTURE)
    for status, code, again in ERRORS:
        kind = "rate_limit_error" if status == 429 else "server_error"
        kind = "invalid_request_error" if status < 429 else kind
        error = {"message": f"about {code}", "type": kind, "param": None, "code": code}
        text = f"event: image_upscale.error\nid: 2\ndata: {json.dumps({'error': error})}\n\n"
        page.page.unroute("**/v1/images/upscale")
        page.page.route("**/v1/images/upscale", fulfilled_with(text))

        page.start()

        page.await_state("failed")
        assert TITLES[status] in page.alert(), code
        assert page.page.locator("#failure button").is_visible() == again, code


def test_a_key_is_asked_for_where_the_server_wants_one(open_page, start_server, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(f"anna {KEY}\n")
    page = open_page(start_server(f"--api-keys-file={keys}", program=DELAY_SERVER))
    field = page.page.get_by_label("API key", exact=True)

    started(page, steps=2)
    page.await_state("failed")
    assert "API key" in page.alert()
    assert page.has_focus(field)
    page.photograph("key")

    field.fill(KEY + "x")
    page.start()
    expect(page.page.get_by_role("alert").filter(has_text="API key")).to_have_count(1)
    field.fill(KEY)
    field.press("Enter")
    page.await_state("finished")

    assert KEY not in page.copy("Copy as curl") + page.copy("Copy as Python")
    kept = page.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]")
    assert kept == [0, 0, ""]


def test_no_key_is_asked_for_elsewhere(page: WebPage):
    started(page, steps=2)

    page.await_state("finished")
    expect(page.page.get_by_label("API key", exact=True)).to_be_hidden()


# How the answer of a server may be cut: for each cut, the events must be the same.
EVENTS = ": keep-alive\r\n\r\nevent: one\r\nid: 1\r\ndata: a\r\ndata:b: c\r\n\r\n"
EVENTS += "id: 2\nevent: two\ndata: {\"x\": 1}\n\nevent: no data\n\ndata\n\n"
EVENTS += "event: three\rdata:  ä\r\rdata: never ends"


def test_events_are_read_however_they_are_cut(page: WebPage):
    read = """async ([text, size]) => {
        const {EventStreamParser} = await import('/page/event_stream.js');
        const parser = new EventStreamParser();
        const events = [];
        for (let at = 0; at < text.length; at += size) {
          events.push(...parser.push(text.slice(at, at + size)));
        }
        return events.map(({name, id, data}) => [name, id, data]);
      }"""

    for size in range(1, len(EVENTS) + 1):
        assert page.page.evaluate(read, [EVENTS, size]) == [
            ["one", "1", "a\nb: c"],
            ["two", "2", '{"x": 1}'],
            ["message", "2", ""],
            ["three", "2", " ä"],
        ], size


def test_the_page_is_small_and_kept(quick_server):
    index = requests.get(quick_server.rest_url, timeout=PATIENCE)
    files = re.findall(r'(?:src|href)="(/page/[^"]*)"', index.text)

    def get_twice(path: str) -> tuple[int, int]:
        url = quick_server.rest_url + path
        first = requests.get(url, timeout=PATIENCE)
        known = {"If-None-Match": first.headers["ETag"]}
        return first.status_code, requests.get(url, headers=known, timeout=PATIENCE).status_code

    assert set(at_once(get_twice, ["/", *files])) == {(200, 304)}
