"""R5: walks through random manifests that are right, many at a time; one that fails is made smaller first."""

import asyncio
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from lab.api import ApiLab
from tests.kube.matrix.party import setting_out
from tests.kube.matrix.terrain import prepare
from tests.kube.matrix.walks import drawn

from glede.milvus.render import strategy

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(1200)]

Count = Callable[[int], None]
SEED = int(os.environ.get("GLEDE_WALKS_SEED", "20"))
# More of them by `make walks`: all take longer than every change should wait.
WALKS = int(os.environ.get("GLEDE_WALKS", "16"))


@pytest.fixture(scope="module")
def land(lab: ApiLab) -> ApiLab:
    asyncio.run(prepare(lab))
    return lab


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let new nodes be ready for one second, not 15: what waits for that is looked at elsewhere."""
    monkeypatch.setattr(strategy, "_MIN_READY_SECONDS", {"querynode": 1, "streamingnode": 1})


async def test_r5_random_walks(
    land: ApiLab,
    tmp_path: Path,
    count: Count,
    tell: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    walks = drawn(WALKS, SEED)
    manifests = sum(len(walk.steps) for walk in walks)
    tell(f"R5: {len(walks)} walks over {manifests} manifests, seed {SEED} (GLEDE_WALKS_SEED)")
    async with setting_out(land, tmp_path) as party:
        failures = await party.set_out(walks)
        for words in failures.values():
            tell(f"R5: {words}")
        found = await party.smallest(failures) if failures else ""
    assert not found, f"seed {SEED}, {len(failures)} of {len(walks)} walks fail; the smallest: {found}"
    errors = {record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR}
    assert not errors, f"seed {SEED}: all is well, and this was logged: {errors}"
    count(manifests)
