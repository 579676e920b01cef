"""The web page for everybody: screen readers, small screens, light and dark, little motion."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from browser import DESK, PHONE, WebPage
from client import Client
from server_process import DELAY_SERVER, SOURCE, ServerProcess

PHOTOGRAPH = (SOURCE / "docs/pictures/astronaut.png").read_bytes()

WINDOWS = {
    "light": DESK | {"color_scheme": "light"},
    "dark": DESK | {"color_scheme": "dark"},
    "phone": PHONE | {"color_scheme": "light"},
    "dark phone": PHONE | {"color_scheme": "dark"},
}


@pytest.fixture(scope="module")
def full_server(leaving) -> Iterator[ServerProcess]:
    """Has room for one picture, which one is in for a long time."""
    process = ServerProcess("--step-ms=50", "--queue-capacity=1", program=DELAY_SERVER)
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
