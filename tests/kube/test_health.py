"""Health over real HTTP: what is red and why, metrics, and clients that misbehave."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from glede.kube import health as module
from glede.kube.health import Health, HealthServer, serve
from glede.kube.metrics import Metrics


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
def server(health: Health) -> Iterator[HealthServer]:
    metrics = Metrics()
    metrics.track_queue("Kite", lambda: 3, lambda: 1.5)
    metrics.observe_request("get", "pods", 200, 0.01)
    server = serve("127.0.0.1", 0, metrics.registry, health)
    yield server
    server.close()


def get(server: HealthServer, path: str, **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return met


def refused(client: socket.socket, data: bytes) -> bool:
    try:
        client.sendall(data)
    except OSError:
        return True
    return False


def test_health_and_readiness_name_what_is_wrong(health: Health, server: HealthServer) -> None:
    assert get(server, "/healthz")[::2] == (200, "ok\n")
    assert get(server, "/readyz")[::2] == (200, "ok\n")
    problems: dict[str, str | None] = {"watch": "silent for 200 s"}
    health.register("watch of pods", lambda: problems["watch"])
    health.register_ready("pods", lambda: "not listed yet")
    assert get(server, "/healthz?verbose")[::2] == (503, "watch of pods: silent for 200 s\n")
    assert get(server, "/readyz")[::2] == (503, "pods: not listed yet\n")
    problems["watch"] = None
    assert get(server, "/healthz")[0] == 200


def test_a_check_that_fails_is_a_problem(health: Health) -> None:
    def broken() -> str | None:
        raise RuntimeError("no clock")

    health.register("clock", broken)
    assert health.live() == ["clock: the check failed: RuntimeError('no clock')"]


def test_metrics_are_computed_when_they_are_scraped(server: HealthServer) -> None:
    status, content_type, body = get(server, "/metrics")
    assert (status, content_type.partition(";")[0]) == (200, "text/plain")
    assert 'glede_operator_queue_depth{controller="Kite"} 3.0' in body
    assert 'glede_operator_queue_oldest_seconds{controller="Kite"} 1.5' in body
    assert 'glede_operator_api_requests_total{code="200",resource="pods",verb="get"} 1.0' in body
    openmetrics = get(server, "/metrics", Accept="application/openmetrics-text; version=1.0.0")
    assert openmetrics[2].endswith("# EOF\n")


def test_other_paths_and_methods_are_refused(server: HealthServer) -> None:
    assert get(server, "/debug")[0] == 404
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(b"POST /healthz HTTP/1.1\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.0 501")


def test_a_client_that_sends_a_byte_at_a_time_is_hung_up_on(
    server: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CONNECTION_SECONDS", 0.3)
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        assert until(lambda: refused(client, b"G"))
        assert get(server, "/healthz")[0] == 200


def test_connections_are_bounded_and_free_again(
    server: HealthServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests' pools may have threads that wait for work.
    before = threading.active_count()
    idle = [
        socket.create_connection(("127.0.0.1", server.port), timeout=10)
        for _ in range(module.MOST_CONNECTIONS)
    ]
    try:
        assert until(lambda: len(server._since) == module.MOST_CONNECTIONS)
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            get(server, "/healthz")
        assert threading.active_count() - before <= module.MOST_CONNECTIONS
    finally:
        for client in idle:
            client.close()
    assert until(lambda: not server._since)
    assert get(server, "/healthz")[0] == 200


def test_a_closed_server_leaves_its_port_and_its_clients(health: Health) -> None:
    server = serve("127.0.0.1", 0, Metrics().registry, health)
    port = server.port
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert until(lambda: bool(server._since))
        server.close()
        assert client.recv(1) == b""
    again = serve("127.0.0.1", port, Metrics().registry, health)
    assert get(again, "/readyz")[0] == 200
    again.close()
