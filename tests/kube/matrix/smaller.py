"""A walk that fails, made smaller: steps and fields are taken out for as long as it goes on failing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.kube.matrix.walks import Step, Walk

# Tells why a walk fails; "" where it does not.
Fails = Callable[[Walk], Awaitable[str]]
Path = tuple[str | int, ...]
DEEPEST = 8
# A walk that fails by waiting takes minutes at each try: what is found by then has to do.
SECONDS = 480.0


@dataclass(frozen=True)
class Cut:
    """What is taken out: a step, or what stands at a path, in one step or (None) in all."""

    step: int | None
    path: Path = ()


async def smallest(walk: Walk, why: str, fails: Fails) -> tuple[Walk, str]:
    """Give the smallest walk that was found to fail in ``SECONDS``, and why it does."""
    found = walk, why
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SECONDS):
            async for smaller in _ever_smaller(walk, why, fails):
                found = smaller
    return found


async def _ever_smaller(walk: Walk, why: str, fails: Fails) -> AsyncIterator[tuple[Walk, str]]:
    before = None
    while walk != before:
        before = walk
        levels = (_level(depth, each=each) for depth in range(1, DEEPEST) for each in (False, True))
        for cuts in (_steps, *levels, _pauses):
            walk, why = await _without(walk, why, cuts, fails)
            yield walk, why


Cuts = Callable[[Walk], Sequence[Any]]


async def _without(walk: Walk, why: str, cuts: Cuts, fails: Fails) -> tuple[Walk, str]:
    """Take out together all that can be taken out alone, or as much of it as can."""
    candidates = [cut for cut in cuts(walk) if made_by(walk, [cut]) != walk]
    verdicts = await asyncio.gather(*(fails(made_by(walk, [cut])) for cut in candidates))
    able = [(cut, words) for cut, words in zip(candidates, verdicts, strict=True) if words]
    while able:
        smaller = made_by(walk, [cut for cut, _ in able])
        words = able[0][1] if len(able) == 1 else await fails(smaller)
        if words:
            return smaller, words
        able = able[: len(able) // 2]
    return walk, why


def made_by(walk: Walk, cuts: Sequence[Cut]) -> Walk:
    """Give a walk without what is cut out; later items of a list go first, so that the numbers hold."""
    steps: list[Step | None] = list(walk.steps)
    for cut in sorted(cuts, key=lambda cut: _order(cut.path), reverse=True):
        for number, step in enumerate(steps):
            if step is None or cut.step not in (None, number):
                continue
            if cut.path == _SETTLE:
                steps[number] = replace(step, pause=None)
            else:
                steps[number] = replace(step, spec=_cut(step.spec, cut.path)) if cut.path else None
    left = [step for step in steps if step is not None]
    if left:
        left[-1] = replace(left[-1], pause=None)
    return Walk(tuple(left))


_SETTLE: Path = ("", "pause")


def _order(path: Path) -> list[tuple[int, str]]:
    return [(part, "") if isinstance(part, int) else (-1, part) for part in path]


def _cut(value: Any, path: Path) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(value, dict) and head in value:
        below = {head: _cut(value[head], rest)} if rest else {}
        return {name: below.get(name, child) for name, child in value.items() if name != head or rest}
    if isinstance(value, list) and isinstance(head, int) and head < len(value):
        middle = [_cut(value[head], rest)] if rest else []
        return [*value[:head], *middle, *value[head + 1 :]]
    return value


def _steps(walk: Walk) -> list[Cut]:
    return [Cut(number) for number in range(len(walk.steps))] if len(walk.steps) > 1 else []


def _pauses(walk: Walk) -> list[Cut]:
    return [Cut(number, _SETTLE) for number, step in enumerate(walk.steps) if step.pause is not None]


def _level(depth: int, *, each: bool) -> Cuts:
    """Give the cuts of that depth: in all steps at once, or in each of several."""

    def cuts(walk: Walk) -> list[Cut]:
        paths = [set(_paths(step.spec, depth)) for step in walk.steps]
        if not each:
            return [Cut(None, path) for path in sorted(set().union(*paths), key=_order)]
        if len(walk.steps) == 1:
            return []
        return [Cut(number, path) for number, own in enumerate(paths) for path in sorted(own, key=_order)]

    return cuts


def _paths(value: Any, depth: int, at: Path = ()) -> Iterator[Path]:
    if depth == 0:
        yield at
    elif isinstance(value, dict):
        for name, child in value.items():
            yield from _paths(child, depth - 1, (*at, name))
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield from _paths(child, depth - 1, (*at, number))
