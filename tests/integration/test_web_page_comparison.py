"""Before and after on the web page: the divider between them, and the picture at full size."""

from collections.abc import Callable

import numpy as np
import pytest

from browser import PHONE, WebPage
from pictures import make_noise, make_picture, to_array

PICTURE = make_picture(96, 64)


@pytest.fixture
def result(page: WebPage) -> WebPage:
    """A page with a result, whose before and after differ."""
    page.choose("in.png", PICTURE)
    page.upscale(steps=2)
    return page


def test_the_divider_follows_the_mouse(result: WebPage):
    picture = result.box("#comparison .picture")
    y = picture["y"] + 20
    mouse = result.page.mouse

    mouse.move(picture["x"] + picture["width"] / 4, y)
    mouse.down()
    at_first = result.split
    mouse.move(picture["x"] + picture["width"] * 0.8, y)
    mouse.up()
    mouse.move(picture["x"], y)

    assert (at_first, result.split) == (25, 80)


def test_the_divider_follows_a_finger(open_page, quick_server):
    page = open_page(quick_server, **PHONE)
    page.choose("in.png", PICTURE)
    page.upscale(steps=2)
    page.page.locator("#comparison").scroll_into_view_if_needed()
    picture = page.box("#comparison .picture")
    x, y, width = picture["x"], picture["y"] + picture["height"] / 2, picture["width"]

    page.touch((x + width / 2, y), (x + width * 0.6, y), (x + width * 0.9, y))

    assert page.split == 90


def test_the_divider_follows_the_keyboard(result: WebPage):
    result.divider.focus()
    splits = []
    for key in ("ArrowLeft", "ArrowRight", "PageUp", "PageDown", "Home", "End"):
        result.page.keyboard.press(key)
        splits.append(result.split)

    assert splits == [48, 50, 60, 50, 0, 100]
    assert result.divider.get_attribute("aria-valuetext") == "100 % before, 0 % after"


def test_before_is_left_of_the_divider_and_after_is_right_of_it(page: WebPage):
    page.choose("in.png", make_noise(32, 32))
    page.upscale(steps=2)

    def seen(key: str) -> np.ndarray:
        page.divider.focus()
        page.page.keyboard.press(key)
        return page.pixels("#comparison .picture")[20:60]

    before, after = seen("End"), seen("Home")
    for _ in range(4):
        seen("PageUp")
    both = seen("PageUp")

    assert page.split == 50
    assert np.abs(before.astype(int) - after).mean() > 10
    assert (both[:, 50:150] == before[:, 50:150]).all()
    assert (both[:, -150:-50] == after[:, -150:-50]).all()


@pytest.mark.parametrize("pixels", [1, 1.25, 2])
def test_full_size_is_a_pixel_for_a_pixel(open_page, quick_server, pixels):
    page = open_page(quick_server, device_scale_factor=pixels)
    page.choose("in.png", make_picture(1000, 700))
    page.upscale(steps=2)
    page.divider.focus()
    page.page.keyboard.press("Home")  # All of it is after.

    page.find("button", "100 %").click()

    wanted = to_array(page.download()[1])
    box = page.box("#comparison .picture")
    assert round(box["width"] * pixels) == 2000  # The browser counts in 64ths.
    stage = page.box("#comparison")
    seen = page.pixels("#comparison")
    left = round((stage["x"] - box["x"]) * pixels)
    top = round((stage["y"] - box["y"]) * pixels)
    part = wanted[top : top + seen.shape[0], left : left + seen.shape[1]]
    inside = (slice(120, 220), slice(200, 500))  # Neither a label nor the divider is there.
    assert (seen[inside] == part[inside]).all()


def test_a_large_picture_is_moved_by_mouse_wheel_and_keys(page: WebPage):
    page.choose("in.png", make_picture(1000, 700))
    page.upscale(steps=2)
    page.find("button", "100 %").click()
    stage = page.box("#comparison")
    mouse, keyboard = page.page.mouse, page.page.keyboard

    def drag() -> None:
        mouse.move(stage["x"] + 100, stage["y"] + 100)
        mouse.down()
        mouse.move(stage["x"] + 130, stage["y"] + 80)
        mouse.up()

    def moved(action: Callable[[], None]) -> tuple[float, float]:
        before = page.box("#comparison .picture")
        action()
        after = page.box("#comparison .picture")
        return after["x"] - before["x"], after["y"] - before["y"]

    assert moved(drag) == (30, -20)
    assert page.split == 50
    page.find("group", "Picture; at 100 % arrow keys move it").focus()
    assert moved(lambda: keyboard.press("ArrowRight")) == (-64, 0)
    assert moved(lambda: keyboard.press("ArrowUp")) == (0, 64)
    mouse.wheel(5000, 5000)
    # As far as there is a picture, and not further.
    page.page.wait_for_function(
        """([right, bottom]) => {
             const box = document.querySelector('#comparison .picture').getBoundingClientRect();
             return Math.abs(box.right - right) < 1 && Math.abs(box.bottom - bottom) < 1;
           }""",
        arg=[stage["x"] + stage["width"], stage["y"] + stage["height"]],
    )


def test_a_picture_that_was_enlarged_fits_again(page: WebPage):
    page.choose("in.png", make_picture(1000, 700))
    page.upscale(steps=2)
    fitting = page.box("#comparison .picture")

    page.page.locator("#comparison").dblclick(position={"x": 150, "y": 150})
    full = page.box("#comparison .picture")
    page.find("button", "Fit").click()

    assert (full["width"], full["height"]) == (2000, 1400)
    assert page.box("#comparison .picture") == fitting
