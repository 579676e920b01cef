"""The requests that clients of the REST service have always sent, as they send them."""

import base64
import subprocess

import pytest
import requests

from client import QUICK, Client
from pictures import to_array
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

# Nothing but the port may be different from what stands in people's scripts.
CURL = """
curl -X POST http://localhost:8997/v1/images/upscale \\
    -F "image=@in.png" -F "prompt=a photo of an astronaut" -F "n=1" -F "guidance_scale=8" \\
  | jq -r '.data[0].b64_json' | base64 -d > out.png
"""


def test_the_curl_line_gives_a_picture_of_twice_the_size(server, picture, tmp_path):
    (tmp_path / "in.png").write_bytes(picture)
    line = CURL.replace("8997", str(server.rest_port))

    subprocess.run(["bash", "-c", line], cwd=tmp_path, check=True, timeout=PATIENCE)

    out = (tmp_path / "out.png").read_bytes()
    assert out.startswith(b"\x89PNG")
    assert to_array(out).shape == (128, 128, 3)


def test_the_python_program_gives_a_picture_of_twice_the_size(server, picture, tmp_path):
    (tmp_path / "in.png").write_bytes(picture)

    with open(tmp_path / "in.png", "rb") as image:
        response = requests.post(
            f"{server.rest_url}/v1/images/upscale",
            files={"image": image},
            data={"prompt": "a photo of an astronaut", "n": 1, "guidance_scale": 8},
        )

    out = base64.b64decode(response.json()["data"][0]["b64_json"])
    assert response.status_code == 200
    assert to_array(out).shape == (128, 128, 3)


def test_the_answer_tells_what_was_done(client: Client, picture):
    answer = client.post(picture, seed=7, **QUICK).json()

    assert answer["data"][0].items() >= {"seed": 7, "width": 128, "height": 128}.items()
    assert answer["model"] == "demo"
    assert answer["output_format"] == "png"
    assert answer["warnings"] == []
    assert set(answer["timings"]) == {"queue", "encode", "denoise", "decode", "total"}
    assert answer["created"] > 0 and answer["id"]
    assert answer["parameters"] == {
        "guidance_scale": 7.5,
        "n": 1,
        "output_format": "png",
        "output_compression": 100,
        "scale": 2,
        "tile_size": 0,
        "alpha": "keep",
        "metadata": "keep",
        "bit_depth": 8,
        "lossless": False,
        "embed_parameters": True,
        **QUICK,
    }


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,"])
def test_json_with_a_base64_picture_is_taken(server: ServerProcess, picture, prefix):
    image = prefix + base64.b64encode(picture).decode()

    response = requests.post(f"{server.rest_url}/v1/images/upscale", json={"image": image, **QUICK})

    out = base64.b64decode(response.json()["data"][0]["b64_json"])
    assert to_array(out).shape == (128, 128, 3)


def test_the_short_path_leads_to_the_same(server: ServerProcess, picture):
    response = requests.post(
        f"{server.rest_url}/images/upscale", files={"image": picture}, data=QUICK
    )

    assert response.status_code == 200


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_who_accepts_a_picture_gets_its_bytes(server: ServerProcess, picture, media_type):
    response = requests.post(
        f"{server.rest_url}/v1/images/upscale",
        files={"image": picture},
        data={"seed": 5, **QUICK},
        headers={"Accept": media_type, "X-Request-Id": "from-a-test"},
    )

    assert response.headers["Content-Type"] == media_type
    assert response.headers["Seed"] == "5"
    assert response.headers["X-Request-Id"] == "from-a-test"
    assert to_array(response.content).shape == (128, 128, 3)


def test_a_web_page_of_another_origin_may_call(client: Client, server: ServerProcess, picture):
    preflight = requests.options(
        f"{server.rest_url}/v1/images/upscale",
        headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
    )
    answer = client.post(picture, **QUICK)

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_only_pages_of_listed_origins_may_call(start_server):
    server = start_server("--cors-origins=https://shop.example", program=DELAY_SERVER)

    def ask(method: str, origin: str) -> requests.Response:
        return requests.request(
            method,
            f"{server.rest_url}/v1/images/upscale",
            headers={"Origin": origin, "Access-Control-Request-Method": "POST"},
            timeout=PATIENCE,
        )

    shop, other = ask("OPTIONS", "https://shop.example"), ask("OPTIONS", "https://other.example")
    refused = ask("POST", "https://shop.example")

    assert shop.status_code == other.status_code == 204
    assert shop.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert not [name for name in other.headers if name.startswith("Access-Control")]
    # A page has to be able to read what is wrong, too.
    assert refused.status_code == 415
    assert refused.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert refused.headers["Vary"] == "Origin"


def test_no_page_may_call_where_there_are_to_be_none(start_server):
    server = start_server("--cors-origins=none", program=DELAY_SERVER)

    for method, status in [("OPTIONS", 204), ("POST", 415), ("GET", 405)]:
        answer = requests.request(
            method,
            f"{server.rest_url}/v1/images/upscale",
            headers={"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"},
            timeout=PATIENCE,
        )
        assert answer.status_code == status
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
