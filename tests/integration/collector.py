"""A collector of OpenTelemetry's that keeps the spans it is sent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from server_process import PATIENCE


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.spans: list[Span] = []
        self.resources: list[dict[str, str]] = []
        self._changed = threading.Condition()
        self._server = grpc.server(ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def Export(self, request, context):  # noqa: N802 - OTLP's name
        with self._changed:
            for resource in request.resource_spans:
                self.resources.append(attributes(resource.resource))
                for scope in resource.scope_spans:
                    self.spans.extend(scope.spans)
            self._changed.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def await_spans(self, trace_id: str, names: set[str]) -> dict[str, list[Span]]:
        """The spans of a trace by name, as soon as all those names are there."""

        def found() -> dict[str, list[Span]]:
            spans: dict[str, list[Span]] = {}
            for span in self.spans:
                if span.trace_id.hex() == trace_id:
                    spans.setdefault(span.name, []).append(span)
            return spans

        with self._changed:
            self._changed.wait_for(lambda: names <= found().keys(), timeout=PATIENCE)
            spans = found()
        assert names <= spans.keys(), f"wanted {names}, got {spans.keys()}"
        return spans

    def close(self) -> None:
        self._server.stop(None).wait()


def attributes(of) -> dict:
    """A resource's or a span's."""
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in of.attributes}
