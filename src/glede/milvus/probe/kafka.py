"""Ask a Kafka for its brokers: versions, login where credentials are known, metadata.

The messages are those of the Kafka protocol guide; versions that Kafka 2.0 to 4.x all speak. The checks that
a client library makes around them are not needed here, and a library reads answers of any size.
"""

import struct

from glede.milvus.probe.net import Connection, connected
from glede.milvus.probe.scram import DIGESTS, Scram, ScramError
from glede.milvus.probe.target import Found, Login, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

_METADATA, _HANDSHAKE, _VERSIONS, _AUTHENTICATE = 3, 17, 18, 36
_CLIENT = b"glede"
# From the guide's table of errors; others are told by their number.
_ERRORS = {
    29: "not authorized for a topic",
    31: "not authorized for the cluster",
    33: "mechanism not supported",
    34: "its listener takes no login",
    35: "version not supported",
    58: "wrong user or password",
}


async def ask_kafka(target: ProbeTarget, endpoint: str) -> Found:
    """Ask one broker. Raises UnhealthyError or UnreachableError."""
    async with connected(endpoint, target.tls) as connection:
        session = _Session(connection)
        if target.login:
            await _log_in(session, target.mechanism.upper(), target.login)
        elif error := _short(await session.call(_VERSIONS, 0, b"")):
            raise UnhealthyError(_named(error))
        # Version 1 with no topic asks for the brokers alone.
        answer = await session.call(_METADATA, 1, (0).to_bytes(4))
    brokers = int.from_bytes(answer[:4], signed=True)
    if brokers < 1:
        raise UnhealthyError("it knows of no broker")
    return Found(f"Kafka with {brokers} broker{'s' if brokers > 1 else ''}")


class _Session:
    """One connection's requests, one after another."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._number = 0

    async def call(self, key: int, version: int, body: bytes) -> bytes:
        self._number += 1
        head = struct.pack(">hhih", key, version, self._number, len(_CLIENT)) + _CLIENT
        message = head + body
        await self._connection.send(len(message).to_bytes(4) + message)
        answer = await self._connection.frame()
        if answer[:4] != self._number.to_bytes(4):
            raise UnreachableError("it does not answer as Kafka does")
        return answer[4:]


async def _log_in(session: _Session, mechanism: str, login: Login) -> None:
    name = mechanism.encode()
    handshake = await session.call(_HANDSHAKE, 1, len(name).to_bytes(2) + name)
    if code := _short(handshake):
        raise UnhealthyError(f"login by {readable(mechanism, 30)}: {_named(code)}")
    if mechanism == "PLAIN":
        await _authenticate(session, f"\0{login.name}\0{login.password}".encode())
        return
    if mechanism not in DIGESTS:
        raise UnhealthyError(f"login by {readable(mechanism, 30)} cannot be checked; PLAIN and SCRAM can")
    scram = Scram(login.name, login.password, DIGESTS[mechanism])
    try:
        final = scram.final(await _authenticate(session, scram.first()))
        scram.check(await _authenticate(session, final))
    except ScramError as error:
        raise UnhealthyError(f"login by {mechanism}: {error}") from error


async def _authenticate(session: _Session, data: bytes) -> bytes:
    answer = await session.call(_AUTHENTICATE, 0, len(data).to_bytes(4) + data)
    error = _short(answer)
    length = int.from_bytes(answer[2:4], signed=True)
    told = answer[4 : 4 + max(length, 0)]
    if error:
        raise UnhealthyError(f"login: {readable(told) or _named(error)}")
    rest = answer[4 + max(length, 0) :]
    return rest[4 : 4 + max(int.from_bytes(rest[:4], signed=True), 0)]


def _short(answer: bytes) -> int:
    if len(answer) < 2:
        raise UnreachableError("it does not answer as Kafka does")
    return int.from_bytes(answer[:2], signed=True)


def _named(error: int) -> str:
    return _ERRORS.get(error, f"error {error} of the protocol guide")
