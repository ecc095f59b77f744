"""The JSON bodies of the API."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from glede.api.documentqa import Tag
from glede.qa.answer.model import Answer
from glede.qa.registry.documents import DocumentView
from glede.qa.retrieve.rerank import Ranked
from glede.qa.service.problems import Problem

MAX_TAGS = 16
_TAGS = TypeAdapter(list[Tag])


class SearchRequest(BaseModel):
    """Body of /v1/search."""

    model_config = ConfigDict(extra="forbid")
    query: str
    limit: int = Field(default=10, ge=1, le=50)
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)


class AskRequest(BaseModel):
    """Body of /v1/ask."""

    model_config = ConfigDict(extra="forbid")
    question: str
    stream: bool = False
    tags: list[Tag] = Field(default=[], max_length=MAX_TAGS)


def parse_tags(text: str) -> list[str]:
    """Read comma-separated tags. Raises Problem 422."""
    tags = [tag.strip() for tag in text.split(",") if tag.strip()]
    try:
        if len(tags) > MAX_TAGS:
            raise Problem(422, f"tags: found {len(tags)}, expected at most {MAX_TAGS}")
        return _TAGS.validate_python(tags)
    except ValidationError as error:
        raise Problem(422, f"tags: found {text[:80]!r}; {error.errors()[0]['msg']}") from error


def document_body(view: DocumentView) -> dict[str, Any]:
    """Give a document's body."""
    error = {"code": view.error_code, "message": view.error} if view.error_code else None
    return {
        "id": view.id,
        "name": view.name,
        "status": view.status,
        "page_kind": view.page_kind,
        "pages": view.pages,
        "chunks": view.chunks,
        "progress": round(view.progress, 3),
        "error": error,
        "waiting_for": view.error if view.error and not view.error_code else None,
        "searchable": view.searchable,
        "tags": list(view.tags),
        "size": view.size,
        "created_at": datetime.fromtimestamp(view.created_at, UTC).isoformat(),
    }


def hit_body(ranked: Ranked) -> dict[str, Any]:
    """Give a hit's body."""
    passage = ranked.passage
    return {
        "document_id": passage.document_id,
        "document": passage.document,
        "page": passage.page,
        "label": passage.label,
        "page_kind": passage.page_kind,
        "heading": list(passage.heading),
        "text": passage.text,
        "score": round(ranked.score, 6),
        "start": passage.start,
        "end": passage.end,
    }


def answer_body(answer: Answer) -> dict[str, Any]:
    """Give an answer's body."""
    return {
        "answer": answer.answer,
        "found": answer.found,
        "citations": [asdict(citation) for citation in answer.citations],
        "sentences": [asdict(sentence) for sentence in answer.sentences],
        "timings": {f"{stage}_ms": round(value, 2) for stage, value in answer.timings.items()},
    }
