"""The weights' files, fetched and verified by the script of the image."""

import hashlib
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from server_process import DEMO_MODEL, ENVIRONMENT, PATIENCE, SOURCE

SCRIPT = SOURCE / "deploy/docker/fetch_weights.sh"
LARGE = "unet/diffusion_pytorch_model.safetensors"


class FileServer(ThreadingHTTPServer):
    """Serves the demo model's files, and parts of them, as it is told to."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}/model"
        self.files = {
            path.relative_to(DEMO_MODEL).as_posix(): path.read_bytes()
            for path in DEMO_MODEL.rglob("*")
            if path.is_file()
        }
        self.gives_parts = True
        self.refusals: list[int] = []  # Statuses of the next answers.
        self.cut_after: dict[str, int] = {}  # Bytes of a file, once, before the connection breaks.
        self.holds = threading.Event()  # Not set: answers wait.
        self.holds.set()
        self.asked: list[tuple[str, str | None]] = []  # Paths, and the ranges asked for.


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self):
        path, wanted = self.path.removeprefix("/model/"), self.headers.get("Range")
        self.server.asked.append((path, wanted))
        self.server.holds.wait(PATIENCE)
        content = self.server.files.get(path)
        if self.server.refusals or content is None:
            self.send_error(self.server.refusals.pop(0) if self.server.refusals else 404)
            return
        first = 0
        if wanted and self.server.gives_parts:
            first = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
            if first >= len(content):
                self.send_error(416)
                return
        self.send_response(206 if first else 200)
        if first:
            self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - first))
        self.end_headers()
        self.wfile.write(content[first : self.server.cut_after.pop(path, len(content))])

    def log_message(self, *_):
        pass


@pytest.fixture
def file_server() -> Iterator[FileServer]:
    server = FileServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.holds.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def manifest(tmp_path) -> Path:
    """Of the demo model, as the script makes it."""
    path = tmp_path / "weights.sha256"
    path.write_bytes(subprocess.check_output([SCRIPT, "--manifest-of", DEMO_MODEL]))
    return path


@pytest.fixture
def variables(tmp_path, file_server, manifest) -> dict[str, str]:
    return {
        "UPSCALER_WEIGHTS_URL": file_server.url,
        "UPSCALER_WEIGHTS_FOLDER": str(tmp_path / "model"),
        "UPSCALER_WEIGHTS_MANIFEST": str(manifest),
        "UPSCALER_WEIGHTS_SECONDS": str(PATIENCE),
    }


def fetch(variables: dict[str, str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        [SCRIPT], capture_output=True, text=True, timeout=2 * PATIENCE, env=ENVIRONMENT | variables
    )


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_manifest_is_what_sha256sum_reads(manifest):
    check = ["sha256sum", "--check", "--strict", "--quiet", manifest]

    assert subprocess.run(check, cwd=DEMO_MODEL).returncode == 0
    assert len(manifest.read_text().splitlines()) == len(files_of(DEMO_MODEL))


def test_all_files_are_fetched_and_again_nothing_is(tmp_path, file_server, variables):
    first = fetch(variables)
    asked = len(file_server.asked)
    second = fetch(variables)

    assert first.returncode == 0, first.stderr
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "weights.sha256"]
    assert second.returncode == 0, second.stderr
    assert second.stdout == f"weights: {tmp_path}/model is complete\n"
    assert asked == len(file_server.asked) == len(file_server.files)


def test_a_broken_connection_costs_only_what_is_left(tmp_path, file_server, variables):
    file_server.cut_after[LARGE] = 1_000_000

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert [wanted for path, wanted in file_server.asked if path == LARGE] == [None, "bytes=1000000-"]
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_a_later_run_takes_up_what_an_earlier_one_has_fetched(tmp_path, file_server, variables):
    content = file_server.files.pop(LARGE)
    assert fetch(variables).returncode == 3
    assert not (tmp_path / "model").exists()
    (tmp_path / "model.partial" / LARGE).parent.mkdir(exist_ok=True)
    (tmp_path / "model.partial" / LARGE).write_bytes(content[:1000])
    file_server.files[LARGE] = content
    file_server.asked.clear()

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert (LARGE, "bytes=1000-") in file_server.asked
    assert all(path >= LARGE for path, _ in file_server.asked)  # Those before are there.
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_a_server_that_gives_no_parts_is_asked_for_the_whole(tmp_path, file_server, variables):
    file_server.cut_after[LARGE] = 1_000_000
    file_server.gives_parts = False

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_a_part_of_another_file_is_not_built_upon(tmp_path, file_server, variables):
    part = tmp_path / "model.partial" / LARGE
    part.parent.mkdir(parents=True)
    part.write_bytes(b"of another file")

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_what_passes_is_tried_again(tmp_path, file_server, variables):
    file_server.refusals = [503, 429]

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert "HTTP status 503); again in 1 s" in ended.stdout
    assert "HTTP status 429); again in 2 s" in ended.stdout


def test_a_corrupted_file_is_refused_and_named(tmp_path, file_server, variables):
    content = file_server.files[LARGE]
    file_server.files[LARGE] = content[:-1] + bytes([content[-1] ^ 1])

    ended = fetch(variables)

    digest = hashlib.sha256(content).hexdigest()
    assert ended.returncode == 4
    assert ended.stderr == f"weights: {LARGE}: what came has not the digest {digest}\n"
    assert not (tmp_path / "model").exists()
    assert not (tmp_path / "model.partial" / LARGE).exists()


def test_a_missing_file_is_named_at_once(tmp_path, file_server, variables):
    del file_server.files["vae/config.json"]

    ended = fetch(variables)

    assert ended.returncode == 3
    assert "vae/config.json: HTTP status 404" in ended.stderr
    assert not (tmp_path / "model").exists()


def test_there_is_an_end_to_trying(tmp_path, file_server, variables):
    file_server.refusals = [503] * 100

    ended = fetch(variables | {"UPSCALER_WEIGHTS_SECONDS": "2"})

    assert ended.returncode == 3
    assert "README.md: not fetched in time" in ended.stderr


def test_a_folder_with_other_content_is_left_as_it_is(tmp_path, file_server, variables):
    (tmp_path / "model").mkdir()
    (tmp_path / "model/mine").write_text("precious")

    ended = fetch(variables)

    assert ended.returncode == 5
    assert files_of(tmp_path / "model") == {"mine": b"precious"}
    assert not file_server.asked


def test_nothing_comes_into_the_folder_that_is_not_listed(tmp_path, variables):
    partial, elsewhere = tmp_path / "model.partial", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")
    (partial / "old").mkdir(parents=True)
    (partial / "old/junk").write_text("of another manifest")
    (partial / "unet").symlink_to(elsewhere)

    ended = fetch(variables)

    assert ended.returncode == 0, ended.stderr
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)
    assert files_of(elsewhere) == {"precious": b"mine"}


def test_a_slash_at_the_end_of_the_folder_means_nothing(tmp_path, variables):
    ended = fetch(variables | {"UPSCALER_WEIGHTS_FOLDER": f"{tmp_path}/model//"})

    assert ended.returncode == 0, ended.stderr
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_a_folder_is_no_manifest(tmp_path, variables):
    ended = fetch(variables | {"UPSCALER_WEIGHTS_MANIFEST": str(tmp_path)})

    assert ended.returncode == 2
    assert ended.stderr == f"weights: cannot read the manifest, {tmp_path}\n"


def test_two_at_a_time_fetch_once(tmp_path, file_server, variables):
    file_server.holds.clear()
    command = {"args": [SCRIPT], "env": ENVIRONMENT | variables, "stdout": subprocess.DEVNULL}
    with subprocess.Popen(**command) as one, subprocess.Popen(**command) as other:
        file_server.holds.set()

        assert (one.wait(PATIENCE), other.wait(PATIENCE)) == (0, 0)
    assert len(file_server.asked) == len(file_server.files)
    assert files_of(tmp_path / "model") == files_of(DEMO_MODEL)


def test_it_ends_when_it_is_told_to(file_server, variables):
    file_server.holds.clear()
    with subprocess.Popen(
        [SCRIPT], env=ENVIRONMENT | variables, stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()  # It has begun with the first file.
        process.send_signal(signal.SIGTERM)

        assert process.wait(5) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    "line",
    ["", "0123  config.json", f"{'a' * 64}  ../config.json", f"{'a' * 64}  /config.json"],
)
def test_a_bad_manifest_is_refused(file_server, variables, manifest, line):
    manifest.write_text(f"{line}\n")

    ended = fetch(variables)

    assert ended.returncode == 2
    assert str(manifest) in ended.stderr
    assert not file_server.asked


@pytest.mark.parametrize("missing", ["UPSCALER_WEIGHTS_URL", "UPSCALER_WEIGHTS_FOLDER"])
def test_what_is_not_set_is_named(variables, missing):
    del variables[missing]

    ended = fetch(variables)

    assert ended.returncode == 2
    assert ended.stderr == f"weights: {missing} is not set\n"
