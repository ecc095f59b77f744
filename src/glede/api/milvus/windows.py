"""``spec.components.rollout.windows``: when pods may be replaced for a change."""

from typing import Literal

from pydantic import Field

from glede.api.milvus.base import Model

Day = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MOST_WINDOWS = 32


class Window(Model):
    """A time of the week in which pods may be replaced for a change."""

    days: list[Day] | None = Field(
        default=None, max_length=7, description="Days on which it opens, Mon to Sun; default: every day."
    )
    from_: str = Field(alias="from", description='When it opens, by the clock of its zone: "22:00".')
    to: str | None = Field(
        default=None,
        description='When it closes, by that clock: "04:00"; one before `from` is of the next day.',
    )
    duration: str | None = Field(
        default=None, description="How long it is open, instead of `to`: 90m, 4h, 1h30m; at most 24h."
    )
    time_zone: str = Field(
        default="UTC", description="Zone of its clock by its IANA name, Europe/Berlin; default UTC."
    )
