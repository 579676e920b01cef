"""Who may call, and how connections are protected: keys, quotas, TLS."""

import subprocess
from pathlib import Path

import grpc
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from certificates import certificate
from client import QUICK, Client, messages, reason_of, retry_seconds_of, spec
from pictures import SMALL
from server_process import DELAY_SERVER, GATEWAY, PATIENCE

ANNA = "annas-key-0123456789abcdef"
BERT = "berts-key-0123456789abcdef"


def with_key(key: str) -> tuple:
    return (("authorization", f"Bearer {key}"),)


def upscale(client: Client, metadata: tuple = ()):
    request = messages.UpscaleRequest(spec=spec(**QUICK), image=SMALL)
    return client.stub.Upscale(request, timeout=PATIENCE, metadata=metadata)


def code_of(client: Client, key: str) -> grpc.StatusCode:
    try:
        upscale(client, with_key(key))
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


@pytest.fixture
def keys(tmp_path) -> Path:
    path = tmp_path / "keys"
    path.write_text(f"anna {ANNA}\n# Twelve a minute: one at once.\nbert {BERT} requests_per_minute=12\n")
    return path


@pytest.fixture
def guarded(start_server, keys) -> Client:
    return Client(start_server(f"--api-keys-file={keys}", program=DELAY_SERVER))


def test_only_those_with_a_key_may_call(guarded: Client):
    for metadata, reason in [((), "API_KEY_MISSING"), (with_key(ANNA + "x"), "API_KEY_UNKNOWN")]:
        with pytest.raises(grpc.RpcError) as refusal:
            upscale(guarded, metadata)
        assert refusal.value.code() == grpc.StatusCode.UNAUTHENTICATED
        assert reason_of(refusal.value) == reason

    assert upscale(guarded, with_key(ANNA)).images
    assert upscale(guarded, (("x-api-key", ANNA),)).images


def test_every_call_but_health_wants_a_key(guarded: Client):
    calls = [
        lambda: list(guarded.start_stream(SMALL)),
        lambda: guarded.stub.GetServerInfo(messages.GetServerInfoRequest()),
        lambda: guarded.stub.EstimateUpscale(messages.EstimateUpscaleRequest()),
    ]
    for call in calls:
        with pytest.raises(grpc.RpcError) as refusal:
            call()
        assert refusal.value.code() == grpc.StatusCode.UNAUTHENTICATED

    stub = health_pb2_grpc.HealthStub(guarded.channel)
    assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING


def test_rest_wants_the_same_keys(guarded: Client):
    def status(headers: dict[str, str]) -> int:
        return requests.post(
            f"{guarded.server.rest_url}/v1/images/upscale",
            files={"image": SMALL},
            data=QUICK,
            headers=headers,
            timeout=PATIENCE,
        ).status_code

    assert status({}) == 401
    assert status({"Authorization": "Bearer nobodys"}) == 401
    assert status({"Authorization": f"Bearer {ANNA}"}) == 200
    assert status({"X-API-Key": "k\xe4se"}) == 401


def test_a_key_has_a_quota_of_its_own(guarded: Client):
    assert code_of(guarded, BERT) == grpc.StatusCode.OK
    with pytest.raises(grpc.RpcError) as refusal:
        upscale(guarded, with_key(BERT))

    assert refusal.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert reason_of(refusal.value) == "RATE_LIMITED"
    assert 0 < retry_seconds_of(refusal.value) <= 5
    assert guarded.server.metric("upscaler_rejected_total", reason="quota") == 1
    assert code_of(guarded, ANNA) == grpc.StatusCode.OK


def test_a_changed_file_is_taken_up_and_a_bad_one_is_not(guarded: Client, keys):
    keys.write_text("nonsense\n")
    guarded.server.await_log("API keys not taken up")
    assert code_of(guarded, ANNA) == grpc.StatusCode.OK

    keys.write_text(f"carl {BERT}\n")
    guarded.server.await_log("API keys read again")
    assert code_of(guarded, ANNA) == grpc.StatusCode.UNAUTHENTICATED
    assert code_of(guarded, BERT) == grpc.StatusCode.OK


def test_tls_and_mutual_tls(start_server, tmp_path):
    cert, key = certificate(tmp_path, "server")
    own_cert, own_key = certificate(tmp_path, "client")
    server = start_server(
        f"--tls-cert={cert}",
        f"--tls-key={key}",
        f"--tls-client-ca={own_cert}",
        program=DELAY_SERVER,
    )

    def call(credentials: grpc.ChannelCredentials | None):
        address = server.grpc_address
        channel = (
            grpc.secure_channel(address, credentials)
            if credentials
            else grpc.insecure_channel(address)
        )
        with channel:
            client = Client(server)
            client.stub = type(client.stub)(channel)
            return upscale(client)

    trust = cert.read_bytes()
    assert call(grpc.ssl_channel_credentials(trust, own_key.read_bytes(), own_cert.read_bytes())).images
    for stranger in (None, grpc.ssl_channel_credentials(trust)):
        with pytest.raises(grpc.RpcError) as refusal:
            call(stranger)
        assert refusal.value.code() == grpc.StatusCode.UNAVAILABLE


def test_rest_speaks_tls_with_who_shows_a_certificate(start_server, tmp_path):
    cert, key = certificate(tmp_path, "server")
    own_cert, own_key = certificate(tmp_path, "client")
    server = start_server(
        f"--tls-cert={cert}",
        f"--tls-key={key}",
        f"--tls-client-ca={own_cert}",
        program=DELAY_SERVER,
    )
    url = server.rest_url.replace("http:", "https:")

    def post(**how) -> requests.Response:
        return requests.post(
            f"{url}/v1/images/upscale", files={"image": SMALL}, verify=cert, timeout=PATIENCE, **how
        )

    assert post(cert=(own_cert, own_key)).status_code == 200
    assert post().status_code == 403
    assert post().json()["error"]["type"] == "permission_error"
    curl = ["curl", "--silent", "--fail", "--cacert", cert, f"{url}/readyz"]
    assert subprocess.run(curl, timeout=PATIENCE).returncode == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{server.rest_url}/livez", timeout=PATIENCE)


def test_rest_without_tls_beside_grpc_with_it(start_server, tmp_path):
    cert, key = certificate(tmp_path, "server")
    server = start_server(
        f"--tls-cert={cert}", f"--tls-key={key}", "--rest-tls=off", program=DELAY_SERVER
    )

    assert requests.get(f"{server.rest_url}/readyz", timeout=PATIENCE).status_code == 200


def test_a_gateway_with_tls_on_both_sides(start_server, tmp_path):
    cert, key = certificate(tmp_path, "server")
    own_cert, own_key = certificate(tmp_path, "gateway")
    backends = [
        start_server(
            f"--tls-cert={cert}",
            f"--tls-key={key}",
            f"--tls-client-ca={own_cert}",
            program=DELAY_SERVER,
        )
        for _ in range(2)
    ]
    gateway = start_server(
        f"--backend={','.join(backend.grpc_address for backend in backends)}",
        f"--backend-ca={cert}",
        f"--backend-cert={own_cert}",
        f"--backend-key={own_key}",
        f"--tls-cert={own_cert}",
        f"--tls-key={own_key}",
        program=GATEWAY,
        awaited="listening",
    )
    gateway.await_log("model")

    answer = requests.post(
        f"{gateway.rest_url.replace('http:', 'https:')}/v1/images/upscale",
        files={"image": SMALL},
        verify=own_cert,
        timeout=PATIENCE,
    )

    assert answer.status_code == 200


def test_compressed_messages_are_refused(client: Client):
    with grpc.insecure_channel(client.server.grpc_address, compression=grpc.Compression.Gzip) as channel:
        stub = type(client.stub)(channel)
        request = messages.UpscaleRequest(spec=spec(prompt="long " * 100, **QUICK), image=SMALL)
        with pytest.raises(grpc.RpcError) as refusal:
            stub.Upscale(request, timeout=PATIENCE)
    assert refusal.value.code() == grpc.StatusCode.UNIMPLEMENTED
