import asyncio
import threading
import time
from collections.abc import Sequence

import pytest

from glede.qa.registry.terms import TermWeights
from glede.qa.retrieve.coalesce import Coalescer
from glede.qa.retrieve.fuse import fuse
from glede.qa.retrieve.passages import Passage
from glede.qa.retrieve.rerank import Evidence, coverage, leg_scores, rerank
from glede.qa.store.base import Hit


def passage(key: int, text: str, *, listing: bool = False) -> Passage:
    return Passage(
        key=key,
        document_id="d",
        document="d.md",
        page=1,
        label="",
        page_kind="page",
        title="",
        heading=(),
        header="",
        text=text,
        start=0,
        end=len(text),
        listing=listing,
    )


def test_fusion_by_hand() -> None:
    one, two = [Hit(7, -3.0), Hit(8, -9.0)], [Hit(8, 0.9), Hit(9, 0.1)]

    fused = fuse([one, two])

    assert [hit.key for hit in fused] == [8, 7, 9]
    assert [hit.score for hit in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])


def test_fusion_weights_and_ties() -> None:
    assert [hit.key for hit in fuse([[Hit(1, 0)], [Hit(2, 0)]], [1.0, 2.0])] == [2, 1]
    assert [hit.key for hit in fuse([[Hit(5, 0)], [Hit(3, 0)]])] == [3, 5]
    assert fuse([[], []]) == []
    with pytest.raises(ValueError, match="zip"):
        fuse([[Hit(1, 0)]], [1.0, 1.0])


WEIGHTS = TermWeights(100, {"kite": 50, "quorum": 1, "moor": 10})


def test_idf_falls_with_frequency_and_is_never_negative() -> None:
    assert WEIGHTS.idf("unknown") > WEIGHTS.idf("quorum") > WEIGHTS.idf("moor") > WEIGHTS.idf("kite") > 0
    assert TermWeights(1, {"kite": 5}).idf("kite") > 0
    assert WEIGHTS.idf("quorum") == pytest.approx(4.2097, abs=1e-3)  # ln(1 + 99.5 / 1.5)


def test_coverage_is_the_weighted_share() -> None:
    assert coverage(["kite", "quorum"], {"kite", "quorum"}, WEIGHTS) == pytest.approx(1)
    assert coverage(["kite", "quorum"], {"quorum"}, WEIGHTS) > 0.8
    assert coverage(["kite", "quorum"], {"kite"}, WEIGHTS) < 0.2
    assert coverage([], {"kite"}, WEIGHTS) == 0


def test_rerank_prefers_the_passage_that_covers_the_question() -> None:
    poor, good = passage(1, "the kite flies"), passage(2, "the quorum of the kite on the moor")

    evidence = Evidence(["quorum", "kite"], WEIGHTS, {}, {1: 0.9, 2: 0.9})

    ranked = rerank([(poor, 0.0164), (good, 0.0161)], evidence)

    assert [item.passage.key for item in ranked] == [2, 1]
    assert ranked[0].features.coverage == pytest.approx(1)
    assert rerank([], evidence) == []


def test_a_listing_ranks_behind_the_text_it_lists() -> None:
    listed, text = passage(1, "quorum of kites", listing=True), passage(2, "quorum of kites")

    ranked = rerank([(listed, 1.0), (text, 0.9)], Evidence(["quorum"], WEIGHTS, {1: 1.0, 2: 1.0}, {}))

    assert [item.passage.key for item in ranked] == [2, 1]


def test_leg_scores_are_shares_of_the_best() -> None:
    assert leg_scores([Hit(1, 4.0), Hit(2, 1.0), Hit(3, -1.0)]) == {1: 1.0, 2: 0.25, 3: 0.0}
    assert leg_scores([]) == {}


class Recorder:
    """A call that records its batches; the first one waits to be released."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, list[int]]] = []
        self.release = threading.Event()

    def __call__(self, group: str, items: Sequence[int]) -> list[int]:
        self.batches.append((group, list(items)))
        if len(self.batches) == 1:
            assert self.release.wait(10)
        if 13 in items:
            raise ValueError("thirteen")
        return [item * 10 for item in items]


async def _gathered(call: Recorder, items: list[tuple[str, int]], largest: int = 32) -> list[object]:
    coalescer = Coalescer("test", call, largest)
    try:
        first = asyncio.create_task(coalescer.submit("first", 0))
        await asyncio.sleep(0.02)
        tasks = [asyncio.create_task(coalescer.submit(group, item)) for group, item in items]
        await asyncio.sleep(0.02)
        call.release.set()
        assert await first == 0
        return await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        coalescer.close()


def test_what_waits_shares_a_call() -> None:
    call = Recorder()

    answers = asyncio.run(_gathered(call, [("a", n) for n in range(1, 6)]))

    assert answers == [10, 20, 30, 40, 50]
    assert call.batches == [("first", [0]), ("a", [1, 2, 3, 4, 5])]


def test_groups_never_share_a_call_and_batches_have_a_bound() -> None:
    call = Recorder()

    answers = asyncio.run(_gathered(call, [("a", 1), ("b", 2), ("a", 3), ("a", 4), ("b", 5)], largest=2))

    assert answers == [10, 20, 30, 40, 50]
    assert call.batches[1:] == [("a", [1, 3]), ("b", [2, 5]), ("a", [4])]


def test_a_failure_is_of_its_own_batch_only() -> None:
    answers = asyncio.run(_gathered(Recorder(), [("a", 1), ("b", 13), ("b", 2), ("a", 3)]))

    assert [answers[0], answers[3]] == [10, 30]
    assert [str(answers[1]), str(answers[2])] == ["thirteen", "thirteen"]


def test_an_asker_that_left_is_not_asked_for() -> None:
    call = Recorder()

    async def scenario() -> int:
        coalescer = Coalescer("test", call, 32)
        try:
            first = asyncio.create_task(coalescer.submit("a", 0))
            await asyncio.sleep(0.02)
            gone, stays = (asyncio.create_task(coalescer.submit("a", n)) for n in (1, 2))
            await asyncio.sleep(0.02)
            gone.cancel()
            first.cancel()
            await asyncio.sleep(0.02)
            call.release.set()
            return await stays
        finally:
            coalescer.close()

    assert asyncio.run(scenario()) == 20
    assert call.batches == [("a", [0]), ("a", [2])]


def test_lanes_run_side_by_side() -> None:
    def slow(_group: int, items: Sequence[int]) -> Sequence[int]:
        time.sleep(0.2)
        return items

    async def scenario() -> float:
        coalescer = Coalescer("test", slow, 1, lanes=4)
        try:
            begin = time.monotonic()
            assert await asyncio.gather(*(coalescer.submit(n, n) for n in range(4))) == [0, 1, 2, 3]
            return time.monotonic() - begin
        finally:
            coalescer.close()

    assert asyncio.run(scenario()) < 0.6
