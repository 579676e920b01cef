"""The web page: from a picture to its download, in a real browser."""

import re
import subprocess
import sys

import pytest
from PIL import Image
from playwright.sync_api import expect

from browser import WebPage
from pictures import make_picture, to_array
from server_process import DELAY_SERVER, PATIENCE

# At 10 ms each or more: enough for everything that is to happen meanwhile.
LONG = 200

PICTURE = make_picture(96, 64)


# A picture comes in.


@pytest.mark.parametrize("key", ["", "Enter", "Space"])
def test_a_picture_is_chosen(page: WebPage, key):
    button = page.find("button", "Choose a picture")
    with page.page.expect_file_chooser() as chooser:
        button.press(key) if key else button.click()
    chooser.value.set_files({"name": "in.png", "mimeType": "image/png", "buffer": PICTURE})

    page.await_state("chosen")
    expect(page.page.locator("#picture-bar")).to_contain_text("in.png")
    expect(page.page.locator("#picture-bar")).to_contain_text("96 × 64, becomes 192 × 128")
    assert page.has_focus(page.find("button", "Upscale"))


def test_a_picture_is_dropped(page: WebPage):
    carried = page.drag_over("dropped.png", PICTURE)
    expect(page.page.locator(".drop-here")).to_be_visible()
    page.photograph("dragging")

    page.drop(carried)

    page.await_state("chosen")
    expect(page.page.locator("#picture-bar")).to_contain_text("dropped.png")
    expect(page.page.locator(".drop-here")).to_be_hidden()


def test_a_picture_is_pasted(page: WebPage):
    page.paste_picture(PICTURE)

    page.await_state("chosen")
    expect(page.page.locator("#picture-bar")).to_contain_text("pasted.png")


def test_pasted_text_goes_where_the_cursor_is(page: WebPage):
    page.page.evaluate("navigator.clipboard.writeText('a cat')")
    page.page.get_by_label("Prompt", exact=True).focus()

    page.page.keyboard.press("Control+V")

    expect(page.page.get_by_label("Prompt", exact=True)).to_have_value("a cat")
    page.await_state("empty")


def test_nothing_can_begin_while_a_picture_is_opened(page: WebPage):
    page.choose("in.png", PICTURE)
    page.upscale(steps=2)
    page.page.evaluate(
        """() => {
             const {decode} = HTMLImageElement.prototype;
             const opened = new Promise((resolve) => { window.letOpen = resolve; });
             HTMLImageElement.prototype.decode = async function () {
               await opened;
               return decode.call(this);
             };
           }"""
    )

    page.page.locator("#file").set_input_files(
        {"name": "other.png", "mimeType": "image/png", "buffer": make_picture(32, 32)}
    )
    page.await_state("opening")
    expect(page.page.locator("#start")).to_be_disabled()
    expect(page.page.locator("#result")).to_be_hidden()
    page.page.locator("#settings").evaluate("form => form.requestSubmit()")
    page.await_state("opening")
    page.page.evaluate("letOpen()")

    page.await_state("chosen")
    page.upscale(steps=2)
    name, picture = page.download()
    assert name == "other-2x.png"
    assert to_array(picture).shape == (64, 64, 3)


def test_what_is_dropped_and_no_file_is_refused(page: WebPage):
    carried = page.page.evaluate_handle("new DataTransfer()")

    page.drop(carried)

    assert "That was not a file." in page.alert()
    page.await_state("empty")


# It is upscaled.


def test_progress_and_previews_are_shown_and_told(page: WebPage):
    page.choose("in.png", PICTURE)

    page.upscale(steps=LONG)

    running = [one for one in page.shown if one["state"] == "running"]
    fractions = [float(one["value"]) for one in running if one["value"] is not None]
    assert len(set(fractions)) > 20 and fractions == sorted(fractions)
    assert any(re.fullmatch(f"Step \\d+ of {LONG}", one["detail"]) for one in running)
    assert any(one["eta"].endswith("left") for one in running)
    assert any(one["preview"] for one in running)
    assert any(re.fullmatch(r"\d+ % – Upscaler", one["window"]) for one in running)
    told = {one["told"] for one in page.shown}
    assert {"25 % done", "50 % done", "75 % done", "Done: 192 × 128"} <= told
    assert len(told) < 12  # Screen readers hear of it now and then, not at every step.
    assert page.page.title() == "Upscaler"


def test_the_place_in_the_queue_is_shown(open_page, start_server):
    server = start_server("--step-ms=10", "--batching=none", program=DELAY_SERVER)
    first, second = open_page(server), open_page(server)
    for page in (first, second):
        page.choose("in.png", PICTURE)
        page.set(steps=LONG)
    first.start()
    server.await_metric("upscaler_step_duration_seconds_count", at_least=1)

    second.start()
    second.await_state("finished")

    waiting = [one["detail"] for one in second.shown if one["title"] == "Waiting"]
    assert any("in the queue" in detail for detail in waiting)
    first.await_state("finished")


def test_what_is_downloaded_is_twice_as_large(page: WebPage):
    page.choose("holiday.photo.jpg", PICTURE)
    page.page.get_by_text("JPEG", exact=True).click()

    page.upscale(seed=7, steps=2)
    name, picture = page.download()

    assert name == "holiday.photo-2x.jpg"
    assert picture.startswith(b"\xff\xd8\xff")
    assert to_array(picture).shape == (128, 192, 3)
    expect(page.page.locator("#result")).to_contain_text("192 × 128")


def test_a_picture_that_the_browser_cannot_show_is_upscaled(page: WebPage, tmp_path):
    Image.new("RGB", (32, 16), "red").save(tmp_path / "in.tiff")
    page.choose("in.tiff", (tmp_path / "in.tiff").read_bytes())
    expect(page.page.locator(".card")).to_contain_text("This browser cannot show the picture.")

    page.upscale(steps=2)

    expect(page.page.locator("#comparison .after")).to_be_visible()
    expect(page.page.locator("#comparison .before")).to_be_hidden()
    expect(page.page.locator(".divider")).to_be_hidden()
    assert to_array(page.download()[1]).shape == (32, 64, 3)


def test_cancelling_stops_the_work(open_page, start_server):
    server = start_server("--step-ms=50", program=DELAY_SERVER)
    page = open_page(server)
    page.choose("in.png", PICTURE)
    page.set(steps=LONG)
    page.start()
    server.await_metric("upscaler_in_flight", at_least=1)

    page.find("button", "Cancel").click()

    page.await_state("chosen")
    server.await_metric("upscaler_finished_total", at_least=1, outcome="cancelled")
    assert server.metric("upscaler_in_flight") == 0
    assert page.has_focus(page.find("button", "Upscale"))


def test_everything_can_be_done_by_keyboard(page: WebPage):
    keyboard = page.page.keyboard
    page.choose("in.png", PICTURE)

    page.page.get_by_label("Prompt", exact=True).focus()
    for _ in range(5):  # Guidance, scale, format, more settings, the button.
        keyboard.press("Tab")
    assert page.has_focus(page.find("button", "Upscale"))
    keyboard.press("Enter")
    page.await_state("finished")

    # Who was at the button that cancels is now at the divider.
    assert page.has_focus(page.divider)


def test_older_browsers_read_the_same_pictures(page: WebPage):
    same = page.page.evaluate(
        """async () => {
             const {blobFromBase64} = await import('/page/base64.js');
             const base64 = 'AP+Afw=='.padStart(5 << 20, 'Pq5x');  // Several pieces.
             const newer = await blobFromBase64(base64, 'image/png');
             Uint8Array.fromBase64 = undefined;
             const older = await blobFromBase64(base64, 'image/png');
             const [first, second] = await Promise.all([newer.text(), older.text()]);
             return [newer.size, first === second, older.type];
           }"""
    )

    assert same == [(5 << 20) // 4 * 3 - 2, True, "image/png"]


def test_pictures_are_not_kept_longer_than_they_are_shown(page: WebPage):
    for _ in range(3):
        page.choose("in.png", PICTURE)
        page.upscale(steps=8)
        page.upscale(steps=8)

    assert page.alive == 2  # Before and after.


# The same without the page.


@pytest.mark.parametrize("button", ["Copy as curl", "Copy as Python"])
def test_a_copied_command_makes_the_same_picture(open_page, server, tmp_path, button):
    page = open_page(server)
    name = 'it\'s "mine", $HOME; 1.png'
    prompt = 'a "sharp" photo of it\'s $HOME\n`ls` \\ @x;type=y äö'
    page.choose(name, PICTURE)
    page.upscale(prompt=prompt, negative_prompt="@blur", guidance=3, steps=2)
    _, wanted = page.download()

    command = page.copy(button)
    (tmp_path / name).write_bytes(PICTURE)
    program = ["bash", "-c"] if button == "Copy as curl" else [sys.executable, "-c"]
    subprocess.run([*program, command], cwd=tmp_path, check=True, timeout=PATIENCE)

    # The browser allows a download fewer characters than a command may have.
    output = tmp_path / name.replace(".png", "-2x.png")
    assert output.read_bytes() == wanted


def test_a_seed_that_is_kept_gives_the_same_picture(open_page, server):
    page = open_page(server)
    page.choose("in.png", PICTURE)
    page.upscale(prompt="a cat", steps=2)
    _, first = page.download()

    page.find("button", "Keep this seed").click()
    page.upscale()

    assert page.download()[1] == first


def test_a_seed_of_64_bits_is_not_rounded(page: WebPage):
    page.choose("in.png", PICTURE)
    page.upscale(seed=2**64 - 1, steps=2)

    assert f"seed={2**64 - 1}'" in page.copy("Copy as curl")


def test_commands_are_copied_where_the_clipboard_is_closed(page: WebPage):
    # So it is for pages that come by plain HTTP from another machine.
    page.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.choose("in.png", PICTURE)

    page.find("button", "Copy as curl").click()

    expect(page.page.locator(".copied .hint")).to_contain_text("Copied.")
    prompt = page.page.get_by_label("Prompt", exact=True)
    prompt.focus()
    page.page.keyboard.press("Control+V")
    expect(prompt).to_have_value(re.compile("^curl -fsS"))


# What the server says of itself.


def answer_capabilities(page: WebPage, **answer) -> None:
    """Opens the page anew, of a server that says this of itself."""
    page.page.route("**/v1/capabilities", lambda route: route.fulfill(**answer))
    page.page.reload()


def test_the_page_knows_what_the_server_allows(page: WebPage):
    answer_capabilities(
        page,
        json={
            "model": {"name": "the-model"},
            "devices": [{"name": "cpu"}],
            "limits": {"max_guidance_scale": 20, "max_input_pixels": 1000},
            "defaults": {"guidance_scale": 4, "num_inference_steps": 10},
        },
    )

    expect(page.page.get_by_text("the-model · cpu")).to_be_visible()
    page.page.locator("#file").set_input_files(
        {"name": "in.png", "mimeType": "image/png", "buffer": PICTURE}
    )
    assert "It has 96 × 64 pixels; this server takes at most 1,000 in all." in page.alert()
    page.choose("in.png", make_picture(16, 16))
    expect(page.page.get_by_label("Guidance", exact=True)).to_have_value("4")
    page.set(guidance=21)
    page.start()
    assert page.alert() == "Guidance: please give a number from 0 to 20."


def test_a_key_is_asked_for_at_once_where_nothing_is_said_without(page: WebPage):
    answer_capabilities(page, status=401, json={})

    expect(page.page.get_by_label("API key", exact=True)).to_be_visible()
