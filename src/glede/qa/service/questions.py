"""``/v1/search`` and ``/v1/ask``."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from glede.qa.answer.model import Answer
from glede.qa.service.asking import Delta, Event, ask
from glede.qa.service.context import Context, ContextOf, TenantOf
from glede.qa.service.problems import problem_body, problem_of
from glede.qa.service.shapes import AskRequest, SearchRequest, answer_body, hit_body
from glede.qa.service.sse import EventStream, sse_event
from glede.qa.store.base import Scope

router = APIRouter(prefix="/v1")


@router.post("/search")
async def search(body: SearchRequest, context: ContextOf, tenant: TenantOf) -> dict[str, Any]:
    """Find passages."""
    begin = time.perf_counter()
    query = context.question(body.query)
    outcome = "error"
    try:
        with context.questions.enter():
            async with asyncio.timeout(context.limits.answer_seconds):
                found = await context.engine.retriever.retrieve(
                    query, Scope(tenant, tuple(body.tags)), body.limit
                )
        outcome = "found" if found.ranked else "not_found"
    finally:
        context.metrics.questions.labels("search", outcome).inc()
    if not found.ranked:
        context.metrics.zero_hits.inc()
    context.metrics.observe({**found.timings, "total": (time.perf_counter() - begin) * 1000})
    return {"hits": [hit_body(ranked) for ranked in found.ranked]}


@router.post("/ask")
async def asked(body: AskRequest, context: ContextOf, tenant: TenantOf) -> Response:
    """Answer a question, whole or as server-sent events."""
    question = context.question(body.question)
    scope = Scope(tenant, tuple(body.tags))
    if body.stream:
        place = context.questions.enter()
        place.__enter__()  # refused before the stream begins, so that the status can tell
        return EventStream(_events(context, question, scope), place)
    with context.questions.enter():
        answer = await whole_answer(context, question, scope)
    return JSONResponse(answer_body(answer))


async def whole_answer(context: Context, question: str, scope: Scope) -> Answer:
    """Ask and wait for the end."""
    async with aclosing(ask(context, question, scope)) as events:
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise RuntimeError("an answer's stream ended without an answer")


async def _events(context: Context, question: str, scope: Scope) -> AsyncGenerator[str]:
    try:
        async with aclosing(ask(context, question, scope)) as events:
            async for event in events:
                yield _event_text(event)
    except Exception as error:
        problem = problem_of(error)
        yield sse_event("error", json.dumps(problem_body(problem.status, problem.detail), ensure_ascii=False))


def _event_text(event: Event) -> str:
    body: dict[str, Any]
    if isinstance(event, Delta):
        name, body = "delta", {"text": event.text}
    elif isinstance(event, Answer):
        name, body = "done", answer_body(event)
    else:
        name, body = "citations", {"citations": [asdict(citation) for citation in event]}
    return sse_event(name, json.dumps(body, ensure_ascii=False))
