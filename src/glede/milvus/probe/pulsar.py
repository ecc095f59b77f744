"""Ask a Pulsar by the handshake of its binary protocol: CONNECT, and CONNECTED or ERROR.

The numbers are those of PulsarApi.proto: a command's type is also the number of its field.
"""

from collections.abc import Iterator

from glede.milvus.probe.net import connected
from glede.milvus.probe.target import Found, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

_CONNECT, _CONNECTED, _ERROR = 2, 3, 14
_PROTOCOL = 19
_VARINT, _BYTES = 0, 2


async def ask_pulsar(target: ProbeTarget, endpoint: str) -> Found:
    """Ask one endpoint. Raises UnhealthyError or UnreachableError."""
    token = target.login.token if target.login else ""
    async with connected(endpoint, target.tls) as connection:
        await connection.send(_connect(token))
        frame = await connection.frame()
        size = int.from_bytes(frame[:4])
        command = dict(_fields(frame[4 : 4 + size]))
    kind = command.get(1)
    if kind == _CONNECTED and isinstance(body := command.get(_CONNECTED), bytes):
        version = dict(_fields(body)).get(1, b"")
        return Found((isinstance(version, bytes) and readable(version, 40)) or "Pulsar")
    if kind == _ERROR and isinstance(body := command.get(_ERROR), bytes):
        told = dict(_fields(body)).get(3, b"")
        if not token:
            return Found("reached; it asks for credentials that are not known here", partly=True)
        raise UnhealthyError(f"it refuses: {readable(told)}" if isinstance(told, bytes) else "it refuses")
    raise UnreachableError("it does not answer as Pulsar does")


def _connect(token: str) -> bytes:
    body = _field(1, b"glede") + _field(4, _PROTOCOL)
    if token:
        body += _field(5, b"token") + _field(3, token.encode())
    command = _field(1, _CONNECT) + _field(_CONNECT, body)
    sized = len(command).to_bytes(4) + command
    return len(sized).to_bytes(4) + sized


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    return _varint(number << 3 | _BYTES) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Read fields of the two kinds that these commands have. Raises UnreachableError for others."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        value, at = _read_varint(data, at)
        if tag & 7 == _BYTES:
            yield tag >> 3, data[at : at + value]
            at += value
        elif tag & 7 == _VARINT:
            yield tag >> 3, value
        else:
            raise UnreachableError("it does not answer as Pulsar does")


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise UnreachableError("it does not answer as Pulsar does")
