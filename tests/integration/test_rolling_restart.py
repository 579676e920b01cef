"""Two servers that are restarted one after the other, under the load of clients that take turns."""

import json
import socket
import threading
from collections.abc import Callable

import grpc

from client import QUICK, messages, services, spec
from pictures import SMALL
from server_process import DELAY_SERVER, PATIENCE, ServerProcess

# What gRPC's own documentation gives for a client of several servers: turns, among those whose
# health says that they serve. There is no policy of retries in it.
TURNS_AMONG_THE_HEALTHY = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
)
CLIENTS = 4


class Load:
    """Clients that send one request after the other, until they are told to stop."""

    def __init__(self, addresses: list[str]):
        self.failures: list[str] = []
        self._stopped = threading.Event()
        self._channel = grpc.insecure_channel(
            "ipv4:" + ",".join(addresses),
            options=[
                ("grpc.service_config", TURNS_AMONG_THE_HEALTHY),
                ("grpc.max_reconnect_backoff_ms", 200),
                ("grpc.initial_reconnect_backoff_ms", 100),
            ],
        )
        self._stub = services.UpscalerServiceStub(self._channel)
        self._clients = [threading.Thread(target=self._send) for _ in range(CLIENTS)]
        for client in self._clients:
            client.start()

    def _send(self) -> None:
        request = messages.UpscaleRequest(spec=spec(**QUICK), image=SMALL)
        while not self._stopped.is_set():
            try:
                answer = self._stub.Upscale(request, timeout=PATIENCE)
                if len(answer.images) != 1:
                    self.failures.append(f"{len(answer.images)} pictures")
            except grpc.RpcError as error:
                self.failures.append(str(error))

    def stop(self) -> None:
        self._stopped.set()
        for client in self._clients:
            client.join()
        self._channel.close()


# On an address of their own, where nobody else takes a port while a server is away.
HOST = "127.77.0.1"


def free_addresses(count: int) -> list[str]:
    sockets = [socket.create_server((HOST, 0)) for _ in range(count)]
    addresses = [f"{HOST}:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses


def test_no_request_fails(start_server: Callable[..., ServerProcess]):
    addresses = free_addresses(2)

    def start(address: str) -> ServerProcess:
        options = [f"--grpc-address={address}", "--step-ms=10", "--drain-delay-seconds=1"]
        return start_server(*options, program=DELAY_SERVER)

    servers = [start(address) for address in addresses]
    load = Load(addresses)
    try:
        for place, address in enumerate(addresses):
            for server in servers:
                server.await_metric("upscaler_requests_total", at_least=10, code="OK")
            servers[place].end()
            servers[place].check_exit()
            servers[place] = start(address)
        for server in servers:
            server.await_metric("upscaler_requests_total", at_least=10, code="OK")
    finally:
        load.stop()

    assert load.failures == []
