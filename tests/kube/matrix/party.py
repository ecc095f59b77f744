"""Walkers beside each other on one API server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path

from lab.api import ApiLab
from tests.kube.matrix.fresh import Fresh, Rehearsal
from tests.kube.matrix.smaller import smallest
from tests.kube.matrix.terrain import PATIENT, Spoil, laid_out
from tests.kube.matrix.walker import Walker
from tests.kube.matrix.walks import Walk, is_valid

from glede.kube.errors import ApiError
from glede.milvus.kinds import MANAGER

SIDE_BY_SIDE = 64


@dataclass
class Party:
    """Walkers beside each other, each walk by a Milvus and in a namespace of its own."""

    begin: Callable[[str], Walker]
    limit: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SIDE_BY_SIDE))
    names: "numbers[int]" = field(default_factory=numbers)

    async def fails(self, walk: Walk) -> str:
        """Tell why a walk fails; "" where it does not, or where its manifests are not right."""
        if not is_valid(walk):
            return ""
        async with self.limit:
            try:
                await self.begin(f"walker-{next(self.names)}").walk(walk)
            except (AssertionError, ApiError) as error:
                return str(error) or repr(error)
        return ""

    async def set_out(self, walks: list[Walk]) -> dict[Walk, str]:
        """Walk all of them; gives those that fail, and why."""
        verdicts = await asyncio.gather(*(self.fails(walk) for walk in walks))
        return {walk: words for walk, words in zip(walks, verdicts, strict=True) if words}

    async def smallest(self, failures: dict[Walk, str]) -> str:
        """Make a failure smaller; gives it as text."""
        walk = min(failures, key=lambda walk: len(str(walk)))
        smaller, why = await smallest(walk, failures[walk], self.fails)
        return f"{why}\n{smaller}"


@asynccontextmanager
async def setting_out(lab: ApiLab, folder: Path, spoil: Spoil | None = None) -> AsyncIterator[Party]:
    """Give a party of walkers on a lab."""
    rehearsal = Rehearsal.connect(lab.kubeconfig, manager=MANAGER, bounds=PATIENT)
    try:
        async with laid_out(lab, folder, *([spoil] if spoil else [])) as terrain:
            fresh = Fresh(rehearsal, await terrain.namespace())
            yield Party(lambda name: Walker(terrain, fresh, name))
    finally:
        await rehearsal.aclose()
