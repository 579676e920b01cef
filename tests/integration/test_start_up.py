"""A server that cannot start says why, in one line, and what is to be mended."""

import json
import shutil
import socket
import struct
import subprocess
from pathlib import Path

import pytest

from server_process import DEMO_MODEL, ENVIRONMENT, command_line

# A server that starts, and should not, is ended after so many seconds.
PATIENCE = 10

UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def model(tmp_path) -> Path:
    """A copy of the demo model, to be broken."""
    return Path(shutil.copytree(DEMO_MODEL, tmp_path / "model"))


def start(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command_line(*options), capture_output=True, text=True, timeout=PATIENCE, env=ENVIRONMENT
    )


def reason(*options: str) -> str:
    """Why the server does not start with these options."""
    ended = start(*options)
    last = json.loads(ended.stderr.splitlines()[-1])
    assert ended.returncode == 1
    assert (last["severity"], last["message"]) == ("error", "cannot start")
    return last["error"]


def test_an_unknown_model_folder_is_named():
    assert "/no/such/model" in reason("--model=/no/such/model")


def test_truncated_weights_are_named(model):
    weights = (model / UNET).read_bytes()
    (model / UNET).write_bytes(weights[: len(weights) // 2])

    assert UNET in reason(f"--model={model}")


def test_weights_of_another_shape_are_named_with_both_shapes(model):
    weights = (model / UNET).read_bytes()
    (length,) = struct.unpack("<Q", weights[:8])
    header = json.loads(weights[8 : 8 + length])
    header["conv_in.weight"]["shape"].reverse()
    changed = json.dumps(header).encode()
    (model / UNET).write_bytes(struct.pack("<Q", len(changed)) + changed + weights[8 + length :])

    error = reason(f"--model={model}")

    assert "conv_in.weight" in error and "wanted" in error


def test_missing_weights_are_named(model):
    (model / UNET).unlink()

    assert str(model / "unet") in reason(f"--model={model}")


def test_a_missing_tokenizer_is_named(model):
    shutil.rmtree(model / "tokenizer")

    assert "tokenizer" in reason(f"--model={model}")


def test_a_config_that_is_not_json_is_named(model):
    (model / "vae/config.json").write_text("{")

    assert "vae/config.json" in reason(f"--model={model}")


def test_a_config_of_another_size_than_the_weights_is_named(model):
    config = json.loads((model / "unet/config.json").read_text())
    config["layers_per_block"] += 1
    (model / "unet/config.json").write_text(json.dumps(config))

    assert str(model / "unet") in reason(f"--model={model}")


@pytest.mark.parametrize("door", ["grpc", "rest", "admin"])
def test_a_port_that_is_taken_is_named(door):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        assert address in reason(f"--{door}-address={address}")


@pytest.mark.parametrize("address", ["127.0.0.1:99999", "127.0.0.1"])
@pytest.mark.parametrize("door", ["grpc", "rest", "admin"])
def test_an_address_that_is_none_is_named(door, address):
    assert address in reason(f"--{door}-address={address}")


def test_a_device_that_is_not_there_is_named():
    assert "cuda" in reason("--devices=cuda:7").lower()


@pytest.mark.parametrize(
    "option", ["--no-such-option", "--max-batch=0", "--dtype=int8", "--queue-capacity=many"]
)
def test_a_wrong_option_is_named(option):
    ended = start(option)

    assert ended.returncode == 2
    assert option.partition("=")[0] in ended.stderr
