"""The API server cannot be reached from a node or from a pod."""

import contextlib
from collections.abc import Iterator

from lab.faults.rules import rules
from lab.nodes.layout import HOST_ADDRESS


@contextlib.contextmanager
def unreachable_api(address: str, port: int) -> Iterator[None]:
    """Drop what ``address`` (a node's or a pod's) sends to the API server's port; others are not touched."""
    with rules({"input": [f"ip saddr {address} ip daddr {HOST_ADDRESS} tcp dport {port} drop"]}):
        yield
