"""What handlers share: the engine, the gates, the metrics, and who is asking."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from glede.qa.answer.writer import Writer
from glede.qa.engine import DEFAULT_TENANT, Engine
from glede.qa.service.gate import Gate
from glede.qa.service.metrics import Metrics
from glede.qa.service.problems import Problem


class Context:
    """One service's shared parts."""

    def __init__(self, engine: Engine, *, local: bool) -> None:
        spec = engine.manifest.spec
        self.engine = engine
        # Decided at the start, as the guard's checks are: a service whose last key is revoked stays shut.
        self.open = local and not engine.keys.any()
        self.limits = spec.limits
        self.questions = Gate(spec.limits.in_flight, "questions are being answered", "limits.inFlight")
        self.uploads = Gate(spec.limits.uploads_in_flight, "uploads are coming in", "limits.uploadsInFlight")
        self.metrics = Metrics(engine.database, self.questions, self.uploads)
        self.writer = Writer(spec.writer) if spec.writer else None

    def tenant_of(self, authorization: str) -> str:
        """Tell whose request it is. Raises Problem 401."""
        keys = self.engine.keys
        if self.open and not keys.any():
            return DEFAULT_TENANT
        scheme, _, presented = authorization.partition(" ")
        tenant = keys.tenant_of(presented.strip()) if scheme.lower() == "bearer" else None
        if tenant is None:
            raise Problem(401, "give a valid key as `Authorization: Bearer KEY`; `glede keys add` makes one")
        return tenant

    def question(self, text: str) -> str:
        """Check a question's text. Raises Problem 422."""
        limit = self.limits.question_chars
        if len(text) > limit:
            raise Problem(422, f"the question has {len(text)} characters, the limit is {limit}; shorten it")
        cleaned = text.replace("\x00", " ").encode(errors="replace").decode().strip()
        if not cleaned:
            raise Problem(422, "the question is empty; give some words")
        return cleaned


def context_of(request: Request) -> Context:
    """Give the service's shared parts."""
    context = request.app.state.context
    assert isinstance(context, Context)  # noqa: S101 - set when the app is made
    return context


async def tenant_of(request: Request) -> str:
    """Give the asking tenant, or refuse."""
    context = context_of(request)
    return await run_in_threadpool(context.tenant_of, request.headers.get("authorization", ""))


ContextOf = Annotated[Context, Depends(context_of)]
TenantOf = Annotated[str, Depends(tenant_of)]
