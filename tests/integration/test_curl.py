"""REST by curl and jq, as people use it at a terminal: streams and jobs."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pictures import make_picture, to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess


@pytest.fixture(scope="module")
def server(leaving) -> Iterator[ServerProcess]:
    process = ServerProcess("--step-ms=5", program=DELAY_SERVER)
    yield process
    process.end()
    leaving.append(process)


@pytest.fixture
def shell(server: ServerProcess, tmp_path: Path) -> Callable[[str], str]:
    """Runs lines as they would be typed, with in.png beside them; what they print."""
    (tmp_path / "in.png").write_bytes(make_picture(48, 32))

    def run(lines: str) -> str:
        script = f"set -euo pipefail\nurl={server.rest_url}\n{lines}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_stream_is_read_line_by_line(shell, tmp_path):
    printed = shell(
        """
        curl -fsSN "$url/v1/images/upscale" -F image=@in.png -F stream=true \\
            -F num_inference_steps=5 > events
        sed -n 's/^event: image_upscale.//p' events
        grep '^data: ' events | cut -c7- | jq -r 'select(.b64_json != null).b64_json' \\
          | base64 -d > out.png
        """
    ).split()

    assert (printed[0], printed[-1]) == ("queued", "completed")
    assert set(printed) == {"queued", "progress", "completed"}
    assert to_array((tmp_path / "out.png").read_bytes()).shape == (64, 96, 3)


def test_a_job_is_ordered_watched_and_fetched(shell, tmp_path):
    printed = shell(
        """
        job=$(curl -fsS "$url/v1/images/upscale" -F image=@in.png -F num_inference_steps=5 \\
            -H 'Prefer: respond-async' -H 'Idempotency-Key: mine' | jq -r .id)
        curl -fsSN "$url/v1/jobs/$job/events" > events
        curl -fsS "$url/v1/jobs/$job" | jq -c '[.status, .images[0].width]'
        curl -fsS "$url$(curl -fsS "$url/v1/jobs/$job" | jq -r '.images[0].url')" -o out.png
        head -c 100 out.png > part.png
        curl -fsS -C - "$url/v1/jobs/$job/images/0" -o part.png
        cmp out.png part.png
        curl -fsS -X DELETE "$url/v1/jobs/$job"
        curl -s -o /dev/null -w '%{http_code}\\n' "$url/v1/jobs/$job"
        """
    ).split()

    assert json.loads(printed[0]) == ["succeeded", 96]
    assert printed[1] == "410"
    assert to_array((tmp_path / "out.png").read_bytes()).shape == (64, 96, 3)


def test_the_bytes_of_the_picture_come_by_themselves(shell, tmp_path):
    printed = shell(
        """
        curl -fsS "$url/v1/images/upscale" -F image=@in.png -F seed=7 -H 'Accept: image/jpeg' \\
            -D head -o out.jpg
        tr -d '\\r' < head | sed -n 's/^Seed: //p'
        """
    )

    assert printed == "7\n"
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8\xff")
