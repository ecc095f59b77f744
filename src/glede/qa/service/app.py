"""The ASGI application: routes, probes, the page."""

import mimetypes
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import sqlalchemy as sa
from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

import glede
from glede.qa.engine import Engine
from glede.qa.registry.schema import facts
from glede.qa.service import documents, openai, questions
from glede.qa.service.context import Context, ContextOf
from glede.qa.service.guard import Guard
from glede.qa.service.problems import Problem, install_problem_handlers

ACCEPTS = [".pdf", ".docx", ".pptx", ".xlsx", ".html", ".htm", ".md", ".markdown", ".txt"]

router = APIRouter()


def create_app(engine: Engine, *, local: bool) -> FastAPI:
    """Make the application. ``local``: it listens on loopback only, so keys may be absent.

    The engine must be started; it stays the caller's to close.
    """
    context = Context(engine, local=local)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if context.writer:
            await context.writer.close()

    app = FastAPI(
        title="Glede document QA", version=glede.__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.context = context
    install_problem_handlers(app)
    for routes in (router, documents.router, questions.router, openai.router):
        app.include_router(routes)
    app.add_middleware(Guard, upload_bytes=context.limits.upload_bytes, local=context.open)
    return app


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """Tell that the process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(context: ContextOf) -> JSONResponse:
    """Tell whether questions can be answered: the registry can be read."""

    def read() -> None:
        with context.engine.database.read() as connection:
            connection.execute(sa.select(facts.c.name).limit(1))

    await run_in_threadpool(read)
    return JSONResponse({"ready": True})


@router.get("/metrics")
async def metrics(context: ContextOf) -> Response:
    """Give Prometheus metrics."""
    body = await run_in_threadpool(context.metrics.render)
    return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")


@router.get("/v1/info")
async def info(context: ContextOf) -> dict[str, Any]:
    """Tell what a client needs to know before it has a key."""
    spec = context.engine.manifest.spec
    return {
        "name": context.engine.manifest.metadata.name,
        "version": glede.__version__,
        "keys_required": not context.open or await run_in_threadpool(context.engine.keys.any),
        "limits": {
            "upload_bytes": context.limits.upload_bytes,
            "question_chars": context.limits.question_chars,
        },
        "accepts": ACCEPTS,
        "examples": spec.examples,
        "retrieval": "hybrid" if context.engine.embedder else "lexical",
        "answers": "written" if context.writer else "extractive",
    }


@router.get("/")
async def index() -> Response:
    """Give the page."""
    return _static("index.html")


@router.get("/web/{name}")
async def static(name: str) -> Response:
    """Give one of the page's files."""
    return _static(name)


def _static(name: str) -> Response:
    files = {entry.name: entry for entry in resources.files("glede.qa.web").iterdir() if entry.is_file()}
    kind = mimetypes.guess_type(name)[0]
    if name not in files or name.endswith(".py") or kind is None:
        raise Problem(404, f"{name}: no such file")
    charset = "; charset=utf-8" if kind.startswith("text/") else ""
    return Response(
        files[name].read_bytes(), media_type=f"{kind}{charset}", headers={"Cache-Control": "no-cache"}
    )
