"""Drills beside each other: `python -m bench.drills.run --out FILE`. Root, Linux; some 70 minutes.

Each side runs alone on the lab's nodes, one after the other, searched and written to without pause.
``--results`` keeps what was measured as JSON; a drill measured again replaces what is there.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.drills.drills import DRILLS, IMAGE, OTHER_IMAGE, Drill
from bench.drills.report import Figure, report
from bench.drills.sides import Ours, Plain, Side
from bench.publish import publish
from lab.commands import run as command
from lab.daemons import wait_for
from lab.errors import LabError
from lab.fixtures import NodesLab, a_namespace, a_nodes_lab
from lab.images import load_all
from lab.observe import Timeline
from pymilvus import MilvusException
from tests.e2e.changed import CALM_SECONDS, FOREVER, searchers_of
from tests.e2e.inserting import Inserter
from tests.e2e.operated import Release
from tests.e2e.searching import Answer, Searcher, counted

STRENGTH_SECONDS = 240.0
SIDES: tuple[type[Side], ...] = (Plain, Ours)


@dataclass
class Watched:
    """A side that is searched and written to; ``searchers`` are by in-memory replicas."""

    side: Side
    searchers: dict[int, Searcher]
    inserter: Inserter

    def drill(self, drill: Drill) -> Figure:
        """Carry out a drill, wait for full strength, count."""
        self._wait("rest before it", time.monotonic())
        begin = time.monotonic()
        said = drill.act(self.side) or ""
        whole = self._strong(begin)
        end = whole or time.monotonic()
        found = Figure(
            drill=drill.name,
            side=self.side.title,
            seconds=whole - begin if whole else None,
            lost=self._lost() if whole else None,
            said=said,
            counts={number: counted(s.between(begin, end)) for number, s in self.searchers.items()},
            dark={number: _dark(s.between(begin, end), begin, end) for number, s in self.searchers.items()},
            errors=self._errors(begin, end),
        )
        drill.undo(self.side)
        return found

    def _lost(self) -> int | None:
        """Count lost rows; None where that collection cannot be read: it is searched by nobody else."""
        with suppress(LabError):
            for _ in wait_for(f"{self.side.title}: rows can be read", STRENGTH_SECONDS, pause=1.0):
                with suppress(MilvusException):
                    return self.inserter.lost()
        return None

    def _errors(self, begin: float, end: float) -> list[str]:
        """Give one of each kind of error that clients met."""
        answers = [a for searcher in self.searchers.values() for a in searcher.between(begin, end)]
        return sorted({answer.error[:80] for answer in answers if answer.error})[:8]

    def _strong(self, begin: float) -> float | None:
        """Give when all pods were there and searches good for a while; None where that takes too long."""
        try:
            return self._wait("full strength", begin)
        except LabError:
            return None

    def _wait(self, what: str, begin: float) -> float:
        strong = 0.0
        for _ in wait_for(f"{self.side.title}: {what}", STRENGTH_SECONDS, pause=0.3):
            if not self._whole():
                strong = 0.0
                continue
            strong = strong or time.monotonic()
            whole = max(strong, *(s.last_bad(begin) or 0.0 for s in self.searchers.values()))
            calm = time.monotonic() - whole > CALM_SECONDS
            if calm and all(counted(s.between(whole, FOREVER))["good"] for s in self.searchers.values()):
                return whole
        raise AssertionError("wait_for ends by an error")

    def _whole(self) -> bool:
        try:
            return self.side.whole()
        except LabError:  # the API server does not answer
            return False


def _dark(answers: list[Answer], begin: float, end: float) -> int:
    """Count the seconds in which no search ended well."""
    lit = {int(a.began + a.seconds - begin) for a in answers if a.verdict in ("good", "late")}
    return len(set(range(int(end - begin))) - lit)


def measure(side: Side, wanted: list[Drill], keep: list[Figure], path: Path) -> None:
    """Bring a side up, carry out drills, and note each figure at once."""
    side.up()
    searchers = searchers_of(side.uri)
    with ExitStack() as stack:
        for searcher in searchers.values():
            stack.enter_context(searcher.searching())
        watched = Watched(side, searchers, stack.enter_context(Inserter(side.uri).inserting()))
        for turn, drill in _in_turn(wanted):
            if drill.ours_only and not isinstance(side, Ours):
                continue
            figure = replace(watched.drill(drill), turn=turn)
            print(figure.line(), flush=True)
            keep[:] = [f for f in keep if f.key != figure.key] + [figure]
            path.write_text(json.dumps([asdict(figure) for figure in keep], indent=1))


def _in_turn(wanted: list[Drill]) -> list[tuple[int, Drill]]:
    """Give all drills in order, then again those that are measured more than once, each with its turn."""
    most = max(drill.times for drill in wanted)
    return [(turn, drill) for turn in range(most) for drill in wanted if turn < drill.times]


def _beside(lab: NodesLab, kind: type[Side], wanted: list[Drill], keep: list[Figure], path: Path) -> None:
    with ExitStack() as stack:
        if kind is Ours:
            load_all(("glede-operator",), [node.socket for node in lab.nodes], lambda _line: None)
            stack.enter_context(Release(lab).installed())
        namespace = stack.enter_context(a_namespace(lab.client()))
        timeline = Timeline(lab.client(namespace), namespace)
        with timeline.watching():
            try:
                measure(kind(lab, namespace), wanted, keep, path)
            finally:
                timeline.write(path.with_suffix(f".{kind.__name__.lower()}.txt"))


def _name_again(lab: NodesLab) -> None:
    """Give Milvus's image a second name on each node."""
    for node in lab.nodes:
        ctr = ["ctr", "-a", str(node.socket), "-n", "k8s.io", "images", "tag", "--force"]
        command([*ctr, f"docker.io/{IMAGE}", f"docker.io/{OTHER_IMAGE}"])


def main() -> None:
    """Measure, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="where the report goes")
    parser.add_argument("--results", type=Path, help="where figures are kept, as JSON; default: nowhere")
    parser.add_argument("--side", choices=[kind.__name__.lower() for kind in SIDES], help="only this side")
    parser.add_argument("--only", default="", help="only drills with this in their name; words apart by |")
    asked = parser.parse_args()
    wanted = [drill for drill in DRILLS if any(word in drill.name for word in asked.only.split("|"))]
    if not wanted:
        sys.exit(f"--only: no drill has {asked.only!r} in its name: {', '.join(d.name for d in DRILLS)}")
    with tempfile.TemporaryDirectory() as folder, a_nodes_lab() as lab:
        path = asked.results or Path(folder) / "drills.json"
        keep = [Figure.read(one) for one in json.loads(path.read_text())] if path.exists() else []
        _name_again(lab)
        for kind in SIDES:
            if asked.side in (None, kind.__name__.lower()):
                _beside(lab, kind, wanted, keep, path)
    publish(report(keep), asked.out)


if __name__ == "__main__":
    main()
