"""Addresses of external dependencies, as people write them."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from glede.milvus.dependencies.plan import Notes

_HOST = re.compile(r"\[[0-9a-fA-F:.]{2,64}\]|[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252})")


def parse_endpoint(text: str, port: int) -> tuple[str, int]:
    """Give host and port of ``host``, ``host:port`` or ``scheme://host:port``. Raises ValueError.

    A missing port is ``port``; an IPv6 host keeps its brackets.
    """
    rest = urlsplit(text).netloc if "://" in text else text
    host, colon, digits = rest.rpartition(":")
    if not colon or rest.endswith("]"):
        host, digits = rest, str(port)
    if not _HOST.fullmatch(host) or not re.fullmatch(r"\d{1,5}", digits, re.ASCII):
        raise ValueError(f"found {text!r}, expected host:port, for example db.example.com:{port}")
    if not 0 < int(digits) < 65536:
        raise ValueError(f"found port {digits}, expected 1 to 65535")
    return host, int(digits)


def parse_endpoints(notes: Notes, field: str, texts: Sequence[str], port: int) -> list[str]:
    """Give the endpoints as host:port, and tell those that are none; at least one is expected."""
    if not texts:
        notes.invalid(field, f"found none, expected at least one host:port, for example host:{port}; add it")
    found = [_told(notes, f"{field}[{index}]", text, port) for index, text in enumerate(texts)]
    return [endpoint for endpoint in found if endpoint]


def parse_only_endpoint(notes: Notes, field: str, text: str | None, port: int) -> list[str]:
    """Give a field's one endpoint as host:port; none, and told, where it is missing or malformed."""
    if not text:
        notes.invalid(field, f"found none, expected host:port, for example host:{port}; add it")
        return []
    endpoint = _told(notes, field, text, port)
    return [endpoint] if endpoint else []


def _told(notes: Notes, field: str, text: str, port: int) -> str | None:
    try:
        host, number = parse_endpoint(text.strip(), port)
    except ValueError as error:
        notes.invalid(field, f"{error}; correct it")
        return None
    return f"{host}:{number}"
