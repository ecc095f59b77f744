"""Asking: from a question to a stream of events that ends in a whole answer."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace

from glede.qa.answer.extract import extract_answer
from glede.qa.answer.model import Answer, Citation, cite
from glede.qa.answer.verify import verify_answer, without_strange_marks
from glede.qa.answer.writer import NOT_FOUND, Writer
from glede.qa.retrieve.retriever import Retrieval
from glede.qa.service.context import Context
from glede.qa.store.base import Scope

log = logging.getLogger(__name__)

PASSAGES = 8
SOURCES = 6


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer's text."""

    text: str


Event = list[Citation] | Delta | Answer


async def ask(context: Context, question: str, scope: Scope) -> AsyncGenerator[Event]:
    """Answer a question: the citations first, then pieces of text, at last the whole, checked answer.

    Raises Problem, WriterError, StoreError, EmbedderError, RegistryError, TimeoutError.
    """
    begin = time.perf_counter()
    outcome = "error"
    try:
        async with asyncio.timeout(context.limits.answer_seconds):
            retrieval = await context.engine.retriever.retrieve(question, scope, PASSAGES)
        if not retrieval.ranked:
            context.metrics.zero_hits.inc()
        source = _written(context.writer, retrieval) if context.writer else _extracted(retrieval)
        answered = time.perf_counter()
        async for event in source:
            if isinstance(event, Answer):
                timings = dict(retrieval.timings)
                timings["answer"] = (time.perf_counter() - answered) * 1000
                timings["total"] = (time.perf_counter() - begin) * 1000
                outcome = _count(context, event)
                context.metrics.observe(timings)
                yield replace(event, timings=timings)
            else:
                yield event
    finally:
        context.metrics.questions.labels("ask", outcome).inc()


def _count(context: Context, answer: Answer) -> str:
    if not answer.found:
        context.metrics.abstained.inc()
    context.metrics.unsupported.inc(sum(not sentence.supported for sentence in answer.sentences))
    return "found" if answer.found else "not_found"


async def _extracted(retrieval: Retrieval) -> AsyncGenerator[Event]:
    answer = await asyncio.to_thread(extract_answer, retrieval)
    yield answer.citations
    if answer.found:
        yield Delta(answer.answer)
    yield answer


async def _written(writer: Writer, retrieval: Retrieval) -> AsyncGenerator[Event]:
    sources = [ranked.passage for ranked in retrieval.ranked[:SOURCES]]
    yield [cite(n, source, 0, len(source.text)) for n, source in enumerate(sources, start=1)]
    if not sources:
        yield Answer(answer="", found=False, citations=[], sentences=[])
        return
    text, held = "", ""
    async for piece in writer.write(retrieval.question, sources):
        text += piece
        held += piece
        # The word for "not found" is for us, not for the reader.
        if NOT_FOUND.startswith(text.strip()[: len(NOT_FOUND)]):
            continue
        yield Delta(held)
        held = ""
    if text.strip().startswith(NOT_FOUND) or not text.strip():
        yield Answer(answer="", found=False, citations=[], sentences=[])
        return
    if held:
        yield Delta(held)
    sentences, citations = await asyncio.to_thread(verify_answer, text, sources)
    answer = without_strange_marks(text.strip(), len(sources))
    yield Answer(answer=answer, found=True, citations=citations, sentences=sentences)
