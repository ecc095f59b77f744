"""SCRAM, the login of RFC 5802 and 7677, from the client's side and without channel binding."""

import base64
import binascii
import hashlib
import hmac
import secrets

DIGESTS = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}
# RFC 7677 asks for at least 4096; more than this would be an attack on our time.
_MOST_ROUNDS = 200_000
_HEADER = "n,,"


class ScramError(Exception):
    """What the server sent is no SCRAM, or does not prove that it knows the password."""


class Scram:
    """One login: send ``first``, answer the reply by ``final``, and ``check`` the last one."""

    def __init__(self, name: str, password: str, digest: str, nonce: str = "") -> None:
        self._password = password
        self._digest = digest
        self._nonce = nonce or secrets.token_urlsafe(18)
        escaped = name.replace("=", "=3D").replace(",", "=2C")
        self._bare = f"n={escaped},r={self._nonce}"
        self._proof = b""

    def first(self) -> bytes:
        """Give the first message."""
        return f"{_HEADER}{self._bare}".encode()

    def final(self, reply: bytes) -> bytes:
        """Answer the server's first message. Raises ScramError."""
        parts = _parts(reply)
        try:
            nonce, salt, rounds = parts["r"], base64.b64decode(parts["s"], validate=True), int(parts["i"])
        except (KeyError, ValueError, binascii.Error) as error:
            raise ScramError("its answer is no SCRAM") from error
        if not nonce.startswith(self._nonce) or not 0 < rounds <= _MOST_ROUNDS:
            raise ScramError("its answer is no SCRAM")
        salted = hashlib.pbkdf2_hmac(self._digest, self._password.encode(), salt, rounds)
        without = f"c={base64.b64encode(_HEADER.encode()).decode()},r={nonce}"
        message = f"{self._bare},{reply.decode()},{without}".encode()
        client = hmac.digest(salted, b"Client Key", self._digest)
        stored = hashlib.new(self._digest, client).digest()
        signature = hmac.digest(stored, message, self._digest)
        proof = bytes(a ^ b for a, b in zip(client, signature, strict=True))
        server = hmac.digest(salted, b"Server Key", self._digest)
        self._proof = hmac.digest(server, message, self._digest)
        return f"{without},p={base64.b64encode(proof).decode()}".encode()

    def check(self, reply: bytes) -> None:
        """Check that the server knows the password too. Raises ScramError."""
        told = _parts(reply).get("v", "")
        if not hmac.compare_digest(told.encode(), base64.b64encode(self._proof)):
            raise ScramError("the server does not prove that it knows the password")


def _parts(reply: bytes) -> dict[str, str]:
    text = reply.decode(errors="replace")
    return dict(part.split("=", 1) for part in text.split(",") if "=" in part)
