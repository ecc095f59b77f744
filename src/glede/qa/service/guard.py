"""What is checked before a request reaches its handler: size, host and origin, and the answer's headers."""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from glede.qa.service.problems import Problem, problem_body

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
JSON_BYTES = 1024 * 1024
FORM_OVERHEAD_BYTES = 64 * 1024
SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Guard:
    """ASGI middleware. ``local`` is true while the service is open to this machine without keys.

    An open service checks Host and Origin: a web page of somewhere else must not reach it through
    the visitor's browser.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int, *, local: bool) -> None:
        self._app = app
        self._upload_bytes = upload_bytes
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and pass on one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._refusal(scope, headers)
        if problem:
            response = JSONResponse(
                problem_body(problem.status, problem.detail, scope["path"]),
                status_code=problem.status,
                media_type="application/problem+json",
            )
            await response(scope, receive, send)
            return
        await self._app(scope, _bounded(receive, self._limit(scope)), _with_headers(send))

    def _limit(self, scope: Scope) -> int:
        upload = scope["path"] == "/v1/documents"
        return self._upload_bytes + FORM_OVERHEAD_BYTES if upload else JSON_BYTES

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        limit = self._limit(scope)
        length = headers.get("content-length", "0")
        if length.isdigit() and int(length) > limit:
            return too_large(limit, int(length))
        if self._local:
            host = _address(f"//{headers.get('host', '')}")[0]
            if host not in LOOPBACK_NAMES:
                return Problem(403, f"Host {host!r}: without keys this service answers as localhost only")
        origin = headers.get("origin")
        if origin and scope["method"] not in {"GET", "HEAD"} and _address(origin)[1] != headers.get("host"):
            return Problem(
                403, f"Origin {origin!r}: only this service's own page may send this from a browser"
            )
        return None


def _address(url: str) -> tuple[str | None, str]:
    """Give a URL's host name and network location; nothing for what is not a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None, ""
    return parts.hostname, parts.netloc


def too_large(limit: int, found: int | None = None) -> Problem:
    """Give the refusal of a body beyond ``limit`` bytes."""
    size = f"{found} bytes" if found else "more"
    return Problem(413, f"the body has {size}, the limit is {limit} bytes (spec.limits); send less")


def _bounded(receive: Receive, limit: int) -> Receive:
    """Count what comes in: a chunked body tells no length beforehand."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            # The web framework passes on this exception only; of another it makes a 400 of its own.
            found = too_large(limit)
            raise HTTPException(found.status, found.detail)
        return message

    return counted


def _with_headers(send: Send) -> Send:
    async def added(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return added
