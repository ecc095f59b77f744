"""Logs: one JSON object a line on stderr, with the fields of the object that is being worked on.

Nothing here prints a body: what is logged is a message, bound names and an exception.
"""

import contextlib
import json as encoding
import logging
import sys
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TextIO

_NOTHING: Mapping[str, str] = MappingProxyType({})
_fields: ContextVar[Mapping[str, str]] = ContextVar("fields", default=_NOTHING)

# Libraries that log every request, and with level DEBUG its headers.
_CHATTY = ("httpcore", "httpcore2", "httpx", "httpx2", "asyncio")


@contextlib.contextmanager
def bound(**fields: str) -> Iterator[None]:
    """Add fields to every line logged in the block, also by tasks that are started in it."""
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


class JsonFormatter(logging.Formatter):
    """A line is ``{"time", "level", "logger", "message", fields..., "error"}``; time in UTC."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        line = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for name, value in _fields.get().items():
            line.setdefault(name, value)
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return encoding.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """A line for people: time, level, message, ``field=value``; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line, without its end."""
        fields = "".join(f" {name}={value}" for name, value in _fields.get().items())
        line = f"{_time(record)} {record.levelname:<8} {record.getMessage()}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


def configure(level: str = "INFO", *, json: bool = True, stream: TextIO | None = None) -> None:
    """Send all logs of ``level`` and above to ``stream`` (stderr). Raises ValueError on an unknown level."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(JsonFormatter() if json else TextFormatter())
    root = logging.getLogger()
    root.setLevel(level.upper())
    root.handlers[:] = [handler]
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
