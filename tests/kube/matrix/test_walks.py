"""R5: walks through random manifests that are right, many at a time; one that fails is made smaller first."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count as numbers
from pathlib import Path

import pytest
from lab.api import ApiLab
from tests.kube.matrix.fresh import Fresh, Rehearsal
from tests.kube.matrix.smaller import smallest
from tests.kube.matrix.terrain import Spoil, laid_out, prepare
from tests.kube.matrix.walker import Walker
from tests.kube.matrix.walks import Walk, drawn, is_valid

from glede.kube.errors import ApiError
from glede.milvus.kinds import MANAGER
from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1200)]

Count = Callable[[int], None]
SEED = int(os.environ.get("GLEDE_WALKS_SEED", "20"))
WALKS = int(os.environ.get("GLEDE_WALKS", "170"))
SIDE_BY_SIDE = 90


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
        """Make a failure smaller; gives it as text, and what was wrong with the others."""
        walk = min(failures, key=lambda walk: len(str(walk)))
        smaller, why = await smallest(walk, failures[walk], self.fails)
        others = "\n".join(words for one, words in failures.items() if one != walk)
        return f"{why}\n{smaller}\n\nThe others:\n{others}"


@asynccontextmanager
async def setting_out(lab: ApiLab, folder: Path, spoil: Spoil | None = None) -> AsyncIterator[Party]:
    """Give a party of walkers on a lab."""
    rehearsal = Rehearsal.connect(lab.kubeconfig, manager=MANAGER)
    try:
        async with laid_out(lab, folder, *([spoil] if spoil else [])) as terrain:
            fresh = Fresh(rehearsal, await terrain.namespace())
            yield Party(lambda name: Walker(terrain, fresh, name))
    finally:
        await rehearsal.aclose()


@pytest.fixture(scope="module")
def land(lab: ApiLab) -> ApiLab:
    asyncio.run(prepare(lab))
    return lab


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new nodes be ready for one second, not 15: what waits for that is looked at elsewhere."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 1, "streamingnode": 1})


async def test_r5_random_walks(
    land: ApiLab, tmp_path: Path, count: Count, tell: Callable[[str], None]
) -> None:
    walks = drawn(WALKS, SEED)
    manifests = sum(len(walk.steps) for walk in walks)
    tell(f"R5: {len(walks)} walks over {manifests} manifests, seed {SEED} (GLEDE_WALKS_SEED)")
    async with setting_out(land, tmp_path) as party:
        failures = await party.set_out(walks)
        found = await party.smallest(failures) if failures else ""
    assert not found, f"seed {SEED}, {len(failures)} of {len(walks)} walks fail; the smallest: {found}"
    count(manifests)
