"""Errors as RFC 9457 problem documents; OpenAI's calls carry OpenAI's ``error`` member as well."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from glede.qa.answer.writer import WriterError
from glede.qa.embed.base import EmbedderError
from glede.qa.registry.database import RegistryError
from glede.qa.registry.documents import QueueFullError
from glede.qa.store.base import StoreError

TITLES = {
    400: "Bad request",
    401: "Key required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Not valid",
    429: "Too many requests",
    500: "Internal error",
    502: "Bad answer from a service behind this one",
    503: "Unavailable",
    504: "Timed out",
}
OPENAI_PATHS = ("/v1/chat/", "/v1/models", "/v1/embeddings")


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A refusal, with its HTTP status and what the caller can do."""

    def __init__(self, status: int, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}
        if status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="glede"'


def problem_body(status: int, detail: str, path: str = "") -> dict[str, Any]:
    """Give the members of a problem document."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "Error"),
        "status": status,
        "detail": detail,
    }
    if path.startswith(OPENAI_PATHS):
        kind = "invalid_request_error" if status < 500 else "server_error"
        body["error"] = {"message": detail, "type": kind, "param": None, "code": str(status)}
    return body


def problem_of(error: Exception) -> Problem:
    """Tell any error of ours as a problem; what is not ours is an internal error without detail."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, WriterError):
        return Problem(error.status, str(error), 2 if error.status == 429 else None)
    if isinstance(error, QueueFullError):
        return Problem(429, str(error), 10)
    if isinstance(error, StoreError | EmbedderError | RegistryError):
        return Problem(503, str(error), 2)
    if isinstance(error, TimeoutError):
        return Problem(504, "no answer within limits.answerSeconds; try again", 2)
    return Problem(500, "unexpected error; the service's log has the cause")


def install_problem_handlers(app: FastAPI) -> None:
    """Answer every error with a problem document."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        found = problem_of(error)
        return _response(request, found.status, found.detail, found.headers)

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
        return _response(request, error.status_code, str(error.detail), dict(error.headers or {}))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for nothing else
        lines = [
            f"{'.'.join(str(part) for part in e['loc'][1:]) or 'body'}: {e['msg']}" for e in error.errors()
        ]
        return _response(request, 422, "; ".join(lines), {})

    for kind in (
        Problem,
        WriterError,
        QueueFullError,
        StoreError,
        EmbedderError,
        RegistryError,
        TimeoutError,
    ):
        app.add_exception_handler(kind, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, ours)


def _response(request: Request, status: int, detail: str, headers: dict[str, str]) -> JSONResponse:
    return JSONResponse(
        problem_body(status, detail, request.url.path),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )
