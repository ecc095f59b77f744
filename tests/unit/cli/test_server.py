import socket

import pytest

from glede.cli.client import Client, ServiceError
from glede.cli.server import ListenError, _bind, is_loopback


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ListenError) as caught:
            _bind("127.0.0.1", port)

    assert str(caught.value) == (
        f"spec.listen 127.0.0.1:{port}: Address already in use; stop what listens there, or give another port"
    )


def test_a_client_without_a_service_says_how_to_start_one() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(ServiceError) as caught:
        Client(url).get("/v1/documents")

    assert caught.value.exit_code == 4
    assert str(caught.value).startswith(f"no service answers at {url} (")
    assert str(caught.value).endswith("start one with `glede up MANIFEST`, or give --url")
