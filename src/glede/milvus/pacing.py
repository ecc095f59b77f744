"""When a new status is written: what weighs at once, counters now and then, an unknown answer not yet."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.milvus.status import weight_of

# Counters alone do not change the status more often than this.
COUNTERS_SECONDS = 5.0
# So long a dependency's first answer may take. Until then nothing is truer than "unknown".
ANSWER_SECONDS = 6.0
# The same where something was told before: an operator that begins anew beside a thousand Milvuses has asked
# for all of them after some 10 s.
STANDING_SECONDS = 60.0


@dataclass(slots=True)
class Pacing:
    """Knows of each Milvus, by its uid, when its status was written and since when an answer is missing."""

    clock: Callable[[], float] = time.monotonic
    _written: dict[str, float] = field(default_factory=dict)
    _asking: dict[str, float] = field(default_factory=dict)

    def wait(self, uid: str, old: Mapping[str, Any], new: Mapping[str, Any], *, asking: bool) -> float:
        """Give the seconds for which a new status may still wait for more that is new; 0 or less for none.

        ``asking``: a dependency was asked and has not answered yet.
        """
        moment = self.clock()
        if asking:
            patience = STANDING_SECONDS if old.get("conditions") else ANSWER_SECONDS
            return self._asking.setdefault(uid, moment) + patience - moment
        self._asking.pop(uid, None)
        if weight_of(new) != weight_of(old):
            return 0.0
        return self._written.get(uid, 0.0) + COUNTERS_SECONDS - moment

    def wrote(self, uid: str) -> None:
        """Note that a status is being written now."""
        self._written[uid] = self.clock()

    def forget(self, uid: str) -> None:
        """Drop what is known of a Milvus that is gone."""
        self._written.pop(uid, None)
        self._asking.pop(uid, None)
