"""The programs as a person or a script runs them."""

import json
import signal
import socket
import subprocess
import sys

import numpy
import pytest
from PIL import Image

from client import QUICK
from pictures import largest_difference, make_picture, to_array
from server_process import (
    BIN,
    DELAY_SERVER,
    DEMO_MODEL,
    ENVIRONMENT,
    PATIENCE,
    SOURCE,
    ServerProcess,
)

STEPS = f"--steps={QUICK['num_inference_steps']}"


def run(program: str, *arguments, stdin: bytes = b"", **variables) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / program, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=PATIENCE,
        env=ENVIRONMENT | variables,
    )


@pytest.fixture
def files(tmp_path, picture):
    """A folder with a picture, in.png."""
    (tmp_path / "in.png").write_bytes(picture)
    return tmp_path


@pytest.fixture
def door(server: ServerProcess) -> str:
    return f"--server={server.grpc_address}"


@pytest.mark.parametrize("program", ["upscaler-server", "upscale"])
def test_help_lists_the_options(program):
    ended = run(program, "--help")

    assert ended.returncode == 0
    assert b"--version" in ended.stdout and b"Exit codes" in ended.stdout
    assert ended.stderr == b""


@pytest.mark.parametrize("name, format", [("out.tif", "TIFF"), ("out.avif", "AVIF")])
def test_the_outputs_name_tells_the_format(files, door, name, format):
    ended = run("upscale", files / "in.png", "-o", files / name, STEPS, door)

    assert ended.returncode == 0, ended.stderr
    assert Image.open(files / name).format == format


def test_a_dry_run_tells_the_size_at_the_scale(files, door):
    ended = run("upscale", files / "in.png", "--scale=4", "--dry-run", "--json", door)

    estimate = json.loads(ended.stdout)
    assert estimate["output"].endswith("in-4x.png")
    assert estimate["output_width"] == 4 * estimate["width"]
    assert estimate["output_height"] == 4 * estimate["height"]


def test_what_the_server_refuses_is_said(files, door):
    ended = run("upscale", files / "in.png", "--format=jpeg", "--bit-depth=16", door)

    assert ended.returncode == 1
    assert b"bit_depth: 16 given" in ended.stderr


@pytest.mark.parametrize("program", ["upscaler-server", "upscale"])
def test_version_is_the_programs_name_and_number(program):
    ended = run(program, "--version")

    name, number = ended.stdout.decode().split()
    assert ended.returncode == 0
    assert name == program
    assert all(part.isdigit() for part in number.split("."))


def test_a_file_is_upscaled_to_a_file(files, door):
    ended = run("upscale", files / "in.png", "-o", files / "out.webp", STEPS, "--seed=3", door)

    assert ended.returncode == 0, ended.stderr
    out = (files / "out.webp").read_bytes()
    assert out[8:12] == b"WEBP"
    assert to_array(out).shape == (128, 128, 3)
    assert sorted(path.name for path in files.iterdir()) == ["in.png", "out.webp"]


def test_standard_input_is_upscaled_to_standard_output(picture, door, client):
    ended = run("upscale", "-", "-o", "-", STEPS, "--seed=3", door, stdin=picture)

    same = client.upscale_rest(picture, seed=3)[0].array
    assert ended.returncode == 0, ended.stderr
    assert largest_difference(to_array(ended.stdout), same) == 0


def test_json_tells_the_result_in_one_line(files, door):
    out = files / "out.png"

    ended = run("upscale", files / "in.png", "-o", out, "--n=2", "--seed=8", "--json", STEPS, door)

    (line,) = ended.stdout.splitlines()
    result = json.loads(line)
    assert [one["file"] for one in result["pictures"]] == [
        str(files / "out-1.png"),
        str(files / "out-2.png"),
    ]
    assert [one["seed"] for one in result["pictures"]] == [8, 9]
    assert all((files / one["file"]).stat().st_size == one["bytes"] for one in result["pictures"])
    assert result["timings"]["total"] > 0


def test_a_folder_is_upscaled_into_another_and_later_what_is_new(files, picture, door):
    (files / "photos/sub").mkdir(parents=True)
    (files / "photos/a.png").write_bytes(picture)
    (files / "photos/sub/b.png").write_bytes(picture)
    command = [files / "photos", "-r", "-o", files / "out", "--skip-existing", STEPS, door]

    first = run("upscale", *command)
    (files / "photos/c.png").write_bytes(picture)
    second = run("upscale", *command)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stderr.splitlines()[-1] == b"2 done"
    assert second.stderr.splitlines()[-1] == b"1 done, 2 skipped"
    outputs = [path.relative_to(files).as_posix() for path in sorted(files.glob("out/**/*.png"))]
    assert outputs == ["out/a-2x.png", "out/c-2x.png", "out/sub/b-2x.png"]


def test_a_hundred_files_find_their_way_through_a_queue_of_four(start_server, tmp_path):
    server = start_server("--queue-capacity=4", "--step-ms=5", program=DELAY_SERVER)
    (tmp_path / "in").mkdir()
    for number in range(100):
        (tmp_path / f"in/{number}.png").write_bytes(make_picture(16, 16 + number))
    command = [tmp_path / "in", "-o", tmp_path / "out", "--skip-existing", "--jobs=10", STEPS]
    door = f"--server={server.grpc_address}"

    first = run("upscale", *command, door)
    tries = server.metric("upscaler_requests_total")
    second = run("upscale", *command, door)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stderr.splitlines()[-1] == b"100 done"
    assert second.stderr.splitlines()[-1] == b"0 done, 100 skipped"
    for number in range(100):
        out = to_array((tmp_path / f"out/{number}-2x.png").read_bytes())
        assert out.shape == (2 * (16 + number), 32, 3)
    assert server.metric("upscaler_finished_total", outcome="done") == 100
    # Who is refused waits for as long as the server says, rather than to ask again and again.
    assert tries < 1000
    assert server.metric("upscaler_requests_total") == tries


def test_latents_are_written_and_read_again(files, door):
    options = ["--output-type=latents", "--seed=1", STEPS, door]
    first = run("upscale", files / "in.png", *options)
    second = run("upscale", files / "in-2x.npy", "--latents-family=served", "--seed=1", STEPS, door)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert to_array((files / "in-2x-2x.png").read_bytes()).shape == (256, 256, 3)


def test_the_python_examples_do_what_they_say(files, server):
    out = files / "out.png"
    for program, request_id in (("upscale.py", []), ("upscale_job.py", ["from-a-test"])):
        example = SOURCE / "client/python" / program
        arguments = [files / "in.png", out, *request_id, server.grpc_address]
        command = [sys.executable, "-B", example, *arguments]
        ended = subprocess.run(command, capture_output=True, timeout=PATIENCE, env=ENVIRONMENT)

        assert ended.returncode == 0, ended.stderr
        assert to_array(out.read_bytes()).shape == (128, 128, 3)
        out.unlink()


def test_a_bad_file_does_not_keep_the_others_from_being_done(files, door):
    (files / "bad.png").write_bytes(b"not a picture")

    ended = run("upscale", files / "bad.png", files / "in.png", "--json", STEPS, door)

    results = {result["file"]: result for result in map(json.loads, ended.stdout.splitlines())}
    assert ended.returncode == 1
    assert results[str(files / "in.png")]["status"] == "done"
    assert results[str(files / "bad.png")]["error"]["code"] == "INVALID_ARGUMENT"
    assert (files / "in-2x.png").exists()


def test_a_dry_run_tells_what_a_picture_would_take(files, door):
    ended = run("upscale", files / "in.png", "--dry-run", "--json", STEPS, door)

    result = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert result["status"] == "estimated"
    assert result["output_width"] == 2 * result["width"]
    assert result["device_memory_bytes"] > 0
    assert [path.name for path in files.iterdir()] == ["in.png"]


def test_latents_are_written_for_numpy(files, door):
    ended = run("upscale", files / "in.png", "--output-type=latents", STEPS, door)

    latents = numpy.load(files / "in-2x.npy")
    assert ended.returncode == 0, ended.stderr
    assert latents.dtype == numpy.float32
    assert latents.ndim == 3


def test_a_command_brings_its_own_server_and_takes_it_away(files):
    ended = run("upscale", files / "in.png", "--local", f"--model={DEMO_MODEL}", STEPS)

    assert ended.returncode == 0, ended.stderr
    assert (files / "in-2x.png").exists()


def test_an_interrupted_command_ends_with_130_and_leaves_no_files(files, door):
    command = [BIN / "upscale", files / "in.png", "--n=10", "--steps=200", door]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        process.stderr.readline()  # The first step is done.

        process.send_signal(signal.SIGINT)

        assert process.wait(PATIENCE) == 130
    assert [path.name for path in files.iterdir()] == ["in.png"]


def test_quiet_says_nothing(files, door):
    ended = run("upscale", files / "in.png", "-o", files / "out.png", "--quiet", STEPS, door)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_the_environment_names_the_server(files, server: ServerProcess):
    variables = {"UPSCALER_SERVER": server.grpc_address}

    ended = run("upscale", files / "in.png", "-o", files / "out.png", STEPS, **variables)

    assert ended.returncode == 0, ended.stderr


def test_a_picture_too_large_for_one_message_goes_through(files, door):
    (files / "large.png").write_bytes(make_picture(500, 400))

    ended = run("upscale", files / "large.png", "-o", files / "out.png", "--steps=1", door)

    assert ended.returncode == 0, ended.stderr
    assert to_array((files / "out.png").read_bytes()).shape == (800, 1000, 3)


def test_exit_code_1_means_that_the_server_refused(files, door):
    (files / "in.png").write_bytes(b"not a picture")

    ended = run("upscale", files / "in.png", "-o", files / "out.png", door)

    assert ended.returncode == 1
    assert b"image" in ended.stderr
    assert not (files / "out.png").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["in.png", "--jobs=0"],
        ["in.png", "-o", "out.bmp"],
        ["in.png", "-o", "out.png", "--steps=many"],
    ],
)
def test_exit_code_2_means_that_the_command_line_is_wrong(arguments):
    ended = run("upscale", *arguments)

    assert ended.returncode == 2
    assert ended.stderr


def test_exit_code_3_means_that_a_file_is_not_there(files, door):
    unreadable = run("upscale", files / "none.png", "-o", files / "out.png", door)
    unwritable = run("upscale", files / "in.png", "-o", files / "none/out.png", door)

    assert (unreadable.returncode, unwritable.returncode) == (3, 3)
    assert b"none.png" in unreadable.stderr and b"none" in unwritable.stderr


def test_exit_code_4_means_that_no_server_is_there(files):
    with socket.socket() as bound:  # Bound but not listening: nobody else gets the port.
        bound.bind(("127.0.0.1", 0))
        nobody = f"--server=127.0.0.1:{bound.getsockname()[1]}"

        ended = run("upscale", files / "in.png", "-o", files / "out.png", nobody)

    assert ended.returncode == 4
    assert nobody.partition("=")[2].encode() in ended.stderr
