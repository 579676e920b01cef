"""The web page for everybody: screen readers, small screens, light and dark, little motion."""

from collections.abc import Iterator

import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import DESK, PHONE, WebPage
from client import Client
from server_process import DELAY_SERVER, PATIENCE, SOURCE, ServerProcess

PHOTOGRAPH = (SOURCE / "docs/pictures/astronaut.png").read_bytes()

KEY = "annas-key-0123456789abcdef"

WINDOWS = {
    "light": DESK | {"color_scheme": "light"},
    "dark": DESK | {"color_scheme": "dark"},
    "phone": PHONE | {"color_scheme": "light"},
    "dark phone": PHONE | {"color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def full_server(leaving) -> Iterator[ServerProcess]:
    """Has room for one picture, which one is in for a long time."""
    process = ServerProcess("--step-ms=100", "--queue-capacity=1", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


def check(page: WebPage, name: str) -> None:
    page.photograph(name)
    results = Axe().run(page.page)
    assert results.violations_count == 0, results.generate_report()
    width = page.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert width[0] <= width[1], f"{name} is {width[0]} wide"


@pytest.mark.parametrize("name", WINDOWS)
def test_every_state_is_accessible_and_fits(open_page, full_server, name):
    page = open_page(full_server, reduced_motion="reduce", **WINDOWS[name])
    check(page, f"{name} 1 empty")

    page.choose("a photograph with a rather long name, as cameras like.png", PHOTOGRAPH)
    check(page, f"{name} 2 chosen")

    page.set(prompt="an astronaut in an orange suit", steps=40)
    page.start()
    expect(page.page.locator(".preview-picture")).to_be_visible()
    check(page, f"{name} 3 running")
    page.await_state("running")  # Still.

    page.await_state("finished")
    page.copy("Copy as curl")
    check(page, f"{name} 4 finished")

    page.find("button", "100 %").click()
    page.divider.focus()
    page.page.keyboard.press("PageUp")
    check(page, f"{name} 5 full size")

    before = full_server.metric("upscaler_finished_total", outcome="cancelled")
    other = Client(full_server).start_stream(PHOTOGRAPH, num_inference_steps=200)
    next(other)
    page.start()
    page.await_state("failed")
    check(page, f"{name} 6 failed")
    other.cancel()
    full_server.await_metric(
        "upscaler_finished_total", at_least=before + 1, outcome="cancelled"
    )

    page.set(guidance=51, seed="-1")
    page.start()
    page.alert()
    check(page, f"{name} 7 bad setting")


@pytest.mark.parametrize("name", WINDOWS)
def test_what_comes_up_now_and_then_is_accessible_and_fits(
    open_page, start_server, tmp_path, name
):
    keys = tmp_path / "keys"
    keys.write_text(f"anna {KEY}\n")
    server = start_server(
        f"--api-keys-file={keys}", "--step-ms=50", "--batching=none", program=DELAY_SERVER
    )
    page = open_page(server, reduced_motion="reduce", **WINDOWS[name])

    page.drag_over("in.png", PHOTOGRAPH)
    expect(page.page.locator(".drop-here")).to_be_visible()
    check(page, f"{name} 8 dragging")
    page.page.evaluate("document.documentElement.removeAttribute('data-dragging')")

    page.choose("letter.txt", b"Dear Anna, no picture is enclosed.")
    expect(page.page.locator(".card")).to_be_visible()
    check(page, f"{name} 9 no picture to be seen")

    page.start()
    expect(page.page.get_by_label("API key", exact=True)).to_be_visible()
    page.alert()
    check(page, f"{name} 10 key")
    page.page.get_by_label("API key", exact=True).fill(KEY)
    page.start()
    page.await_state("failed")
    expect(page.page.locator("#failure")).to_contain_text("Picture: ")
    check(page, f"{name} 11 not a picture")

    page.choose("in.png", PHOTOGRAPH)
    page.set(prompt="too long", steps=2)
    page.start()
    page.await_state("finished")
    expect(page.page.locator("#warnings")).not_to_be_empty()
    check(page, f"{name} 12 warnings")

    with requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": PHOTOGRAPH},
        data={"num_inference_steps": 200, "stream": "true"},
        headers={"X-API-Key": KEY},
        stream=True,
        timeout=PATIENCE,
    ) as other:
        events = other.iter_lines()  # Kept, because the connection is closed with it.
        assert next(events)
        page.set(steps=200)
        page.start()
        title = page.page.locator(".run-title")
        expect(title).to_have_text("Waiting")
        check(page, f"{name} 13 waiting")
        expect(title).to_have_text("Waiting")  # Still.
        page.find("button", "Cancel").click()
    page.await_state("finished")


def test_little_motion_is_little(open_page, quick_server):
    def duration(page: WebPage) -> str:
        return page.page.locator("#start").evaluate(
            "element => getComputedStyle(element).transitionDuration"
        )

    assert duration(open_page(quick_server, reduced_motion="no-preference")) != "0s"
    assert duration(open_page(quick_server, reduced_motion="reduce")) == "0s"


def test_the_page_works_in_the_dark_as_chosen(open_page, quick_server):
    def ground(scheme: str) -> str:
        page = open_page(quick_server, color_scheme=scheme)
        return page.page.evaluate("getComputedStyle(document.body).backgroundColor")

    assert ground("light") != ground("dark")
