"""OpenAI's shapes: chat completions with citations, models, embeddings."""

import base64
import json
import secrets
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from glede.qa.answer.model import Answer
from glede.qa.embed.base import Vectors
from glede.qa.service.asking import Delta, ask
from glede.qa.service.context import Context, ContextOf, TenantOf
from glede.qa.service.problems import Problem, problem_body, problem_of
from glede.qa.service.questions import whole_answer
from glede.qa.service.sse import EventStream, sse_event
from glede.qa.store.base import Scope

MODEL = "glede"
NO_ANSWER = "The documents do not answer this. 文档中没有找到答案。"
MAX_INPUTS = 64

router = APIRouter(prefix="/v1")


class Part(BaseModel):
    """One part of a message's content."""

    model_config = ConfigDict(extra="allow")
    type: str
    text: str = ""


class Message(BaseModel):
    """A chat message; unknown members are left alone, as OpenAI's clients send many."""

    model_config = ConfigDict(extra="allow")
    role: str
    content: str | list[Part] | None = None

    def plain(self) -> str:
        """Give the message's text."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class ChatRequest(BaseModel):
    """Body of /v1/chat/completions."""

    model_config = ConfigDict(extra="allow")
    model: str = MODEL
    messages: list[Message] = Field(min_length=1, max_length=1000)
    stream: bool = False


class EmbeddingsRequest(BaseModel):
    """Body of /v1/embeddings."""

    model_config = ConfigDict(extra="allow")
    model: str = ""
    input: str | list[str]
    encoding_format: Literal["float", "base64"] = "float"


@router.get("/models")
async def models(context: ContextOf, _tenant: TenantOf) -> dict[str, Any]:
    """List what can be named as a model."""
    names = [MODEL, *([context.engine.embedder.name] if context.engine.embedder else [])]
    return {
        "object": "list",
        "data": [{"id": name, "object": "model", "created": 0, "owned_by": "glede"} for name in names],
    }


@router.post("/chat/completions")
async def chat(body: ChatRequest, context: ContextOf, tenant: TenantOf) -> Response:
    """Answer the last user message from the documents."""
    asked = next((message.plain() for message in reversed(body.messages) if message.role == "user"), "")
    question = context.question(asked)
    head = {"id": f"chatcmpl-{secrets.token_hex(12)}", "created": int(time.time()), "model": MODEL}
    if body.stream:
        place = context.questions.enter()
        place.__enter__()  # refused before the stream begins, so that the status can tell
        return EventStream(_chunks(context, question, Scope(tenant), head), place)
    with context.questions.enter():
        answer = await whole_answer(context, question, Scope(tenant))
    message = {
        "role": "assistant",
        "content": answer.answer if answer.found else NO_ANSWER,
        "citations": [asdict(citation) for citation in answer.citations],
    }
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    return JSONResponse({**head, "object": "chat.completion", "choices": [choice], "usage": usage})


@router.post("/embeddings")
async def embeddings(body: EmbeddingsRequest, context: ContextOf, _tenant: TenantOf) -> dict[str, Any]:
    """Embed texts with the service's embedder."""
    embedder = context.engine.embedder
    if embedder is None:
        raise Problem(404, "this service has no embedder; set spec.embedder")
    texts = [body.input] if isinstance(body.input, str) else body.input
    if len(texts) > MAX_INPUTS:
        raise Problem(422, f"input: found {len(texts)} texts, expected at most {MAX_INPUTS}")
    with context.questions.enter():
        vectors = await run_in_threadpool(embedder.embed, [context.question(text) for text in texts])
    data = [
        {"object": "embedding", "index": index, "embedding": _encoded(vector, body.encoding_format)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": 0, "total_tokens": 0}
    return {"object": "list", "data": data, "model": embedder.name, "usage": usage}


def _encoded(vector: Vectors, encoding: str) -> list[float] | str:
    """Give a vector as numbers, or as OpenAI's clients ask by default: base64 of little-endian float32."""
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(number) for number in vector]


async def _chunks(context: Context, question: str, scope: Scope, head: dict[str, Any]) -> AsyncGenerator[str]:
    try:
        yield _chunk(head, {"role": "assistant", "content": ""})
        async with aclosing(ask(context, question, scope)) as events:
            async for event in events:
                if isinstance(event, Delta):
                    yield _chunk(head, {"content": event.text})
                elif isinstance(event, Answer):
                    missing = {} if event.found else {"content": NO_ANSWER}
                    yield _chunk(head, {**missing, "citations": [asdict(c) for c in event.citations]})
        yield _chunk(head, {}, "stop")
    except Exception as error:
        problem = problem_of(error)
        yield sse_event(None, json.dumps(problem_body(problem.status, problem.detail, "/v1/chat/")))
    yield sse_event(None, "[DONE]")


def _chunk(head: dict[str, Any], delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {**head, "object": "chat.completion.chunk", "choices": [choice]}
    return sse_event(None, json.dumps(body, ensure_ascii=False))
