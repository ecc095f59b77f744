"""How a change is rolled out: how long it may take, what watches it, and when it may begin."""

from typing import Annotated

from pydantic import Field

from glede.api.milvus.base import Model
from glede.api.milvus.windows import MOST_WINDOWS, Window


class CanarySearch(Model):
    """A search of the operator's own, in a collection of its own, that watches every rollout."""

    enabled: bool = Field(
        default=False,
        description="Search in the collection glede_canary all the time, and hold a rollout while that is "
        "not answered as it should; default false. false again drops the collection.",
    )
    secret_ref: str | None = Field(
        default=None,
        description="Secret with token, or with username and password, of a user of Milvus; for a Milvus "
        "with authorizationEnabled.",
    )


class Rollout(Model):
    """How long a change may take, and what becomes of one that takes longer."""

    progress_deadline_seconds: Annotated[int, Field(ge=30, le=86400)] = Field(
        default=600,
        description="Longest time without progress, for each Deployment; default 600.",
    )
    rollback: bool = Field(
        default=True,
        description="Go back to the manifest of before when a change is not well in time; default true.",
    )
    canary_search: CanarySearch = Field(
        default=CanarySearch(),
        description="A search of the operator's own that watches every rollout.",
    )
    windows: list[Window] | None = Field(
        default=None,
        max_length=MOST_WINDOWS,
        description="When pods that are whole may be replaced for a change; default: at any time.",
    )
