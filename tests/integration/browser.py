"""The web page in Chromium, as a person uses it: what is seen, clicked and dragged."""

import base64
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from server_process import PATIENCE

CHROMIUM = "/usr/bin/chromium"

DESK = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True}

# Where pictures of the page are left to be looked at; nowhere, unless this is set.
SCREENSHOTS = os.environ.get("UPSCALER_SCREENSHOTS")

# Counts the addresses of pictures that are alive, and notes all that is shown on the way.
RECORDER = """
window.recorded = {alive: new Set(), shown: []};
const {createObjectURL, revokeObjectURL} = URL;
URL.createObjectURL = (blob) => {
  const url = createObjectURL.call(URL, blob);
  recorded.alive.add(url);
  return url;
};
URL.revokeObjectURL = (url) => {
  recorded.alive.delete(url);
  revokeObjectURL.call(URL, url);
};
document.addEventListener('securitypolicyviolation', (event) => {
  console.error(`refused by the content security policy: ${event.blockedURI}`);
});
document.addEventListener('DOMContentLoaded', () => {
  const note = () => recorded.shown.push({
    state: document.querySelector('main').dataset.state,
    title: document.querySelector('.run-title').textContent,
    detail: document.querySelector('.run-detail').textContent,
    eta: document.querySelector('.run-eta').textContent,
    value: document.querySelector('progress').getAttribute('value'),
    preview: !document.querySelector('.preview-picture').hidden,
    told: document.querySelector('#announcer').textContent,
    window: document.title,
  });
  new MutationObserver(note).observe(document, {
    subtree: true, childList: true, attributes: true, characterData: true,
  });
});
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=1000 * PATIENCE
        )
        yield browser
        browser.close()


class WebPage:
    """The page of a server, in a window of its own."""

    def __init__(self, browser: Browser, address: str, beside: "WebPage | None" = None, **window):
        """`window` as playwright's new_context has it: viewport, color_scheme, ... Or `beside`
        another page, in a tab of the same window."""
        if beside is None:
            self._context = browser.new_context(**window)
            self._context.set_default_timeout(1000 * PATIENCE)
            self._context.grant_permissions(["clipboard-read", "clipboard-write"], origin=address)
            self._context.add_init_script(RECORDER)
        else:
            self._context = beside._context
        self.address = address
        # What must never happen: errors in scripts, breaches of policy, other hosts.
        self.problems: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", self._on_console)
        self.page.on("request", self._on_request)
        self.page.goto(address)

    def _on_console(self, message) -> None:
        # The browser's own word for an answer that is no 200: tests look at those elsewhere.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(message.text)

    def _on_request(self, request) -> None:
        if not request.url.startswith((self.address + "/", "blob:", "data:")):
            self.problems.append(f"asked for {request.url}")

    def close(self) -> None:
        self._context.close()  # Those beside it may have done so before.
        assert self.problems == []

    def close_tab(self) -> None:
        """As a person closes it, who is asked nothing."""
        self.page.close()

    # What is there.

    def find(self, role: str, name: str) -> Locator:
        """What a screen reader finds by this role and name."""
        return self.page.get_by_role(role, name=name, exact=True)

    def await_state(self, state: str) -> None:
        expect(self.page.locator("main")).to_have_attribute("data-state", state)

    @property
    def shown(self) -> list[dict]:
        """All that was shown so far, at each change."""
        return self.page.evaluate("recorded.shown")

    @property
    def alive(self) -> int:
        """How many pictures the browser keeps for the page."""
        return self.page.evaluate("recorded.alive.size")

    @property
    def divider(self) -> Locator:
        return self.find("slider", "Divider between before and after")

    @property
    def split(self) -> int:
        """Per cent of the picture that are before."""
        return int(self.divider.get_attribute("aria-valuenow"))

    def box(self, selector: str) -> dict:
        return self.page.locator(selector).bounding_box()

    def alert(self) -> str:
        """What is said to be wrong, as soon as anything is."""
        alert = self.page.get_by_role("alert").filter(has_text=re.compile("."))
        expect(alert).to_have_count(1)
        return alert.inner_text()

    def has_focus(self, locator: Locator) -> bool:
        return locator.evaluate("element => element === document.activeElement")

    def pixels(self, selector: str) -> np.ndarray:
        """What is seen of an element, [height, width, 3], in pixels of the screen."""
        file = self.page.locator(selector).screenshot(animations="disabled")
        return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))

    def photograph(self, name: str) -> None:
        """Leaves a picture of the whole page where somebody wants to look at it."""
        if SCREENSHOTS is None:
            return
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        path = Path(SCREENSHOTS) / f"{name}.png"
        self.page.screenshot(path=path, full_page=True, animations="disabled")

    # What people do.

    def choose(self, name: str, picture: bytes) -> None:
        file = {"name": name, "mimeType": "application/octet-stream", "buffer": picture}
        self.page.locator("#file").set_input_files(file)
        self.await_state("chosen")

    def drag_over(self, name: str, picture: bytes, mime_type: str = "image/png"):
        """Brings a file over the page; the result is what drop() takes."""
        carried = self.page.evaluate_handle(
            """([name, type, base64]) => {
                 const carried = new DataTransfer();
                 const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
                 carried.items.add(new File([bytes], name, {type}));
                 return carried;
               }""",
            [name, mime_type, base64.b64encode(picture).decode()],
        )
        for event in ("dragenter", "dragover"):
            self.page.dispatch_event("#stage", event, {"dataTransfer": carried})
        return carried

    def drop(self, carried) -> None:
        self.page.dispatch_event("#stage", "drop", {"dataTransfer": carried})

    def paste_picture(self, picture: bytes) -> None:
        """Copies a PNG as another program would, and presses Control and V."""
        self.page.evaluate(
            """async (base64) => {
                 const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
                 const blob = new Blob([bytes], {type: 'image/png'});
                 await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
               }""",
            base64.b64encode(picture).decode(),
        )
        self.page.keyboard.press("Control+V")

    def set(self, **fields) -> None:
        """Fills in settings by the names of their labels, with _ for blanks."""
        more = self.page.locator("details")
        if more.get_attribute("open") is None:
            more.locator("summary").click()
        for name, value in fields.items():
            label = name.replace("_", " ").capitalize()
            self.page.get_by_label(label, exact=True).fill(str(value))

    def start(self) -> None:
        self.page.locator("#start").click()

    def upscale(self, **fields) -> None:
        """From the settings to the result."""
        self.set(**fields)
        self.start()
        self.await_state("finished")

    def download(self) -> tuple[str, bytes]:
        """The name and the bytes of what is saved."""
        with self.page.expect_download() as info:
            self.find("link", "Download").click()
        return info.value.suggested_filename, Path(info.value.path()).read_bytes()

    def copy(self, button: str) -> str:
        """What a button puts on the clipboard."""
        self.find("button", button).click()
        expect(self.page.locator(".copied .hint")).to_contain_text("Copied.")
        return self.page.evaluate("navigator.clipboard.readText()")

    def touch(self, *points: tuple[float, float]) -> None:
        """One finger that goes from point to point."""
        session = self._context.new_cdp_session(self.page)
        kinds = ["touchStart"] + ["touchMove"] * (len(points) - 1)
        for kind, (x, y) in zip(kinds, points):
            touch = {"type": kind, "touchPoints": [{"x": x, "y": y}]}
            session.send("Input.dispatchTouchEvent", touch)
        session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
