"""Signatures and logins by their specifications' examples; Kafka's and Pulsar's messages byte by byte."""

import asyncio
import base64
import datetime as dt
import hashlib
import hmac
import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kube.servers import Handler, faulty

from glede.milvus.probe import Login, ProbeResult, ProbeTarget, probe
from glede.milvus.probe.azure import shared_key
from glede.milvus.probe.pulsar import _field, _fields
from glede.milvus.probe.s3 import Call, signed_headers
from glede.milvus.probe.scram import Scram, ScramError
from glede.milvus.probe.target import UnreachableError
from glede.milvus.readable import readable

KEYS = Login("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def test_the_example_of_the_s3_reference() -> None:
    wanted = ProbeTarget("", ("", ""), "storage", "s3", (), login=KEYS)
    moment = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    call = Call(query={"max-keys": "2", "prefix": "J"})
    headers = signed_headers("examplebucket.s3.amazonaws.com", "/", call, wanted, moment)
    assert headers["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;x-amz-content-sha256;x-amz-date, "
        "Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
    )


def test_the_shared_key_signs_what_azure_names() -> None:
    key = base64.b64encode(b"k" * 32).decode()
    wanted = ProbeTarget("", ("", ""), "storage", "azure", (), login=Login("acc", key), bucket="con")
    headers = shared_key(wanted, dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC))
    signed = [
        "GET",
        *[""] * 11,
        "x-ms-date:Fri, 02 Jan 2026 03:04:05 GMT",
        "x-ms-version:2021-08-06",
        "/acc/con",
        "restype:container",
    ]
    digest = hmac.digest(b"k" * 32, "\n".join(signed).encode(), "sha256")
    assert headers["authorization"] == f"SharedKey acc:{base64.b64encode(digest).decode()}"


def test_the_example_of_rfc_7677() -> None:
    scram = Scram("user", "pencil", "sha256", "rOprNGfwEbeRWgbNEkqO")
    assert scram.first() == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    reply = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    final = scram.final(reply)
    assert final.endswith(b",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
    scram.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
    with pytest.raises(ScramError, match="does not prove"):
        scram.check(b"v=AAAA")


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"r=other,s=AAAA,i=4096",
        b"r=mine-1,s=*,i=4096",
        b"r=mine-1,s=AAAA,i=x",
        b"r=mine-1,s=AAAA,i=999999999",
    ],
)
def test_a_login_that_is_no_scram_is_refused(reply: bytes) -> None:
    with pytest.raises(ScramError):
        Scram("user", "pencil", "sha256", "mine").final(reply)


Answer = Callable[[int, bytes], bytes | None]


def kafka(answer: Answer) -> Handler:
    """Serve Kafka's framing; ``answer`` gets a request's key and body, and gives the answer's body."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            message = await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
            key, _version, number, length = struct.unpack(">hhih", message[:10])
            body = answer(key, message[10 + length :])
            if body is None:
                return
            framed = number.to_bytes(4) + body
            writer.write(len(framed).to_bytes(4) + framed)
            await writer.drain()

    return handler


def string(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode()


def data(content: bytes, code: int = 0, words: str = "") -> bytes:
    return code.to_bytes(2) + (string(words) if words else b"\xff\xff") + len(content).to_bytes(4) + content


def one_broker(count: int = 1) -> bytes:
    return count.to_bytes(4) + b"".join(bytes(4) + string("h") + bytes(4) + b"\xff\xff" for _ in range(count))


class Broker:
    """A broker that wants a login by one mechanism."""

    def __init__(self, mechanism: str, user: str, password: str) -> None:
        self.mechanism, self.user, self.password = mechanism, user, password
        self.first = b""
        self.let_in = False

    def __call__(self, key: int, body: bytes) -> bytes | None:
        if key == 17:
            asked = body[2:].decode()
            offered = (1).to_bytes(4) + string(self.mechanism)
            return (0 if asked == self.mechanism else 33).to_bytes(2) + offered
        if key == 36:
            return self._login(body[4:])
        return one_broker(3) if key == 3 and self.let_in else None

    def _login(self, token: bytes) -> bytes:
        if self.mechanism == "PLAIN":
            self.let_in = token == f"\0{self.user}\0{self.password}".encode()
            return data(b"") if self.let_in else data(b"", 58, "Authentication failed: bad password")
        digest = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}[self.mechanism]
        if not self.first:
            self.first = token.removeprefix(b"n,,")
            nonce = self.first.split(b"r=")[1].decode() + "server"
            self.reply = f"r={nonce},s={base64.b64encode(b'salt').decode()},i=4096"
            return data(self.reply.encode())
        salted = hashlib.pbkdf2_hmac(digest, self.password.encode(), b"salt", 4096)
        without, _, proof = token.rpartition(b",p=")
        message = b",".join([self.first, self.reply.encode(), without])
        stored = hashlib.new(digest, hmac.digest(salted, b"Client Key", digest)).digest()
        signature = hmac.digest(stored, message, digest)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        self.let_in = hashlib.new(digest, key).digest() == stored
        server = hmac.digest(hmac.digest(salted, b"Server Key", digest), message, digest)
        return data(b"v=" + base64.b64encode(server)) if self.let_in else data(b"", 58)


def ask(type_: str, handler: Handler, login: Login | None = None, mechanism: str = "PLAIN") -> ProbeResult:
    async def go() -> ProbeResult:
        async with faulty(handler) as endpoint:
            wanted = ProbeTarget(
                "1", ("ns", "a"), "log", type_, (endpoint,), login=login, mechanism=mechanism
            )
            found = await probe(wanted)
            message = found.message.removeprefix(f"{endpoint}: ")
            return ProbeResult(found.ok, found.reason, message)

    return asyncio.run(go())


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_kafka_lets_in_who_knows_the_password(mechanism: str) -> None:
    right = ask("kafka", kafka(Broker(mechanism, "u", "p,=ä")), Login("u", "p,=ä"), mechanism)
    assert right == ProbeResult(True, "MsgStreamReady", "Kafka with 3 brokers")
    wrong = ask("kafka", kafka(Broker(mechanism, "u", "right")), Login("u", "not-this"), mechanism)
    assert (wrong.ok, wrong.reason) == (False, "MsgStreamNotReady")
    assert "not-this" not in wrong.message
    assert "password" in wrong.message


def test_kafka_without_the_mechanism_is_told() -> None:
    found = ask("kafka", kafka(Broker("PLAIN", "u", "p")), Login("u", "p"), "SCRAM-SHA-512")
    assert found.message == "login by SCRAM-SHA-512: mechanism not supported"
    unknown = ask("kafka", kafka(Broker("GSSAPI", "u", "p")), Login("u", "p"), "GSSAPI")
    assert "cannot be checked" in unknown.message


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (one_broker(1), ProbeResult(True, "MsgStreamReady", "Kafka with 1 broker")),
        (one_broker(0), ProbeResult(False, "MsgStreamNotReady", "it knows of no broker")),
        (b"", ProbeResult(False, "MsgStreamNotReady", "it knows of no broker")),
        (None, ProbeResult(False, "ConnectionFailed", "it closed the connection")),
    ],
)
def test_kafka_is_asked_for_its_brokers(answer: bytes | None, expected: ProbeResult) -> None:
    assert ask("kafka", kafka(lambda key, _body: bytes(6) if key == 18 else answer)) == expected


def pulsar(*fields: bytes) -> Handler:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
        command = b"".join(fields)
        sized = len(command).to_bytes(4) + command
        writer.write(len(sized).to_bytes(4) + sized)
        await writer.drain()

    return handler


CONNECTED = pulsar(_field(1, 3), _field(3, _field(1, b"Pulsar Server 4.0.1") + _field(2, 21)))
REFUSED = pulsar(_field(1, 14), _field(14, _field(1, 0) + _field(2, 5) + _field(3, b"no such token\n")))


@pytest.mark.parametrize(
    ("handler", "token", "expected"),
    [
        (CONNECTED, "", ProbeResult(True, "MsgStreamReady", "Pulsar Server 4.0.1")),
        (CONNECTED, "t", ProbeResult(True, "MsgStreamReady", "Pulsar Server 4.0.1")),
        (REFUSED, "t", ProbeResult(False, "MsgStreamNotReady", "it refuses: no such token")),
        (
            REFUSED,
            "",
            ProbeResult(True, "ConnectionOK", "reached; it asks for credentials that are not known here"),
        ),
        (
            pulsar(_field(1, 4)),
            "",
            ProbeResult(False, "ConnectionFailed", "it does not answer as Pulsar does"),
        ),
    ],
)
def test_pulsar_is_asked_by_its_handshake(handler: Handler, token: str, expected: ProbeResult) -> None:
    assert ask("pulsar", handler, Login(token=token) if token else None) == expected


@given(st.binary(max_size=200))
def test_fields_of_strangers_are_read_or_refused(garbage: bytes) -> None:
    try:
        for number, value in _fields(garbage):
            assert number >= 0
            assert isinstance(value, int | bytes)
    except UnreachableError:
        return


@given(st.text() | st.binary())
def test_what_strangers_say_is_one_short_line(said: str | bytes) -> None:
    found = readable(said, 40)
    assert len(found) <= 40
    assert found.isprintable()
