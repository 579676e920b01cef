"""The web page in several windows and tabs, when it is left, and through a gateway."""

import pytest
from playwright.sync_api import expect

from pictures import make_picture, to_array
from server_process import DELAY_SERVER, GATEWAY

# At 10 ms each or more: enough for everything that is to happen meanwhile.
LONG = 200

PICTURE = make_picture(96, 64)


def test_two_pages_at_once_keep_to_their_own(open_page, quick_server):
    pages = [open_page(quick_server) for _ in range(2)]
    for number, page in enumerate(pages):
        page.choose(f"in{number}.png", make_picture(32 + 32 * number, 32))
        page.set(seed=number, steps=LONG)
        page.start()

    for number, page in enumerate(pages):
        page.await_state("finished")
        name, picture = page.download()
        assert name == f"in{number}-2x.png"
        assert to_array(picture).shape == (64, 64 + 64 * number, 3)
        expect(page.page.locator("#result-seed")).to_have_text(str(number))


def test_two_tabs_of_one_window_keep_to_their_own(open_page, quick_server):
    first = open_page(quick_server)
    pages = [first, open_page(quick_server, beside=first)]
    for number, page in enumerate(pages):
        page.choose(f"in{number}.png", make_picture(32 + 32 * number, 32))
        page.set(seed=number, steps=LONG)
        page.start()

    for number, page in enumerate(pages):
        page.await_state("finished")
        page.page.bring_to_front()
        name, picture = page.download()
        assert name == f"in{number}-2x.png"
        assert to_array(picture).shape == (64, 64 + 64 * number, 3)


@pytest.mark.parametrize("leave", ["close the tab", "go elsewhere"])
def test_who_leaves_stops_the_work(open_page, start_server, leave):
    server = start_server("--step-ms=50", program=DELAY_SERVER)
    page = open_page(server)
    page.choose("in.png", PICTURE)
    page.set(steps=LONG)
    page.start()
    server.await_metric("upscaler_in_flight", at_least=1)

    if leave == "close the tab":
        page.close_tab()
    else:
        page.page.goto("about:blank")

    server.await_metric("upscaler_finished_total", at_least=1, outcome="cancelled")
    assert server.metric("upscaler_in_flight") == 0


def test_the_page_of_a_gateway_works_as_that_of_a_server(open_page, start_server):
    backends = [
        start_server("--step-ms=50", "--warm-up-seconds=0", program=DELAY_SERVER) for _ in range(2)
    ]
    addresses = ",".join(backend.grpc_address for backend in backends)
    gateway = start_server(f"--backend={addresses}", program=GATEWAY, awaited="listening")
    gateway.await_log("model")
    page = open_page(gateway)
    expect(page.page.locator("#server-facts")).to_contain_text("demo")
    page.choose("in.png", PICTURE)

    page.upscale(steps=20)

    assert to_array(page.download()[1]).shape == (128, 192, 3)
    assert any(one["preview"] for one in page.shown)
    page.set(steps=LONG)
    page.start()
    page.await_state("running")
    while not any(backend.metric("upscaler_in_flight") for backend in backends):
        pass
    page.find("button", "Cancel").click()
    page.await_state("finished")  # The earlier one is shown again.
    while not any(
        backend.metric("upscaler_finished_total", outcome="cancelled") for backend in backends
    ):
        pass
