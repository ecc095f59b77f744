"""``spec.components.proxy.canary``: a share of a component's pods first, watched by their own metrics."""

from typing import Annotated

from pydantic import Field

from glede.api.milvus.base import Model


class Canary(Model):
    """Some pods with a change beside the others first; they are watched, then it goes on or back.

    It is there where the section is written, be it empty (``canary: {}``).
    """

    share: int | str = Field(
        default=1,
        description="Pods that are first: a number, or a percentage of the proxies (rounded up); at most as "
        "many as there are proxies; default 1.",
    )
    watch_seconds: Annotated[int, Field(ge=10, le=86400)] = Field(
        default=120, description="How long they are watched once all of them are available; default 120."
    )
    max_error_rate: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.02,
        description="By how much the share of their requests that fail may be above the other proxies' "
        "(0.02: two in a hundred); default 0.02.",
    )
    max_latency_ratio: Annotated[float, Field(ge=1, le=100)] = Field(
        default=3,
        description="How many times the other proxies' P99 theirs may be, for each kind of request; under "
        "10 ms it is never too long; default 3.",
    )
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        default=100,
        description="Fewer requests than this, within the watch, tell nothing: then the change goes on when "
        "its time is over; default 100.",
    )
