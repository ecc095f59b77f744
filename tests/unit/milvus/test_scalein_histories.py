"""Whatever happens to a Deployment of query nodes, they go one at a time, and as many stay as are needed."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.milvus.fewer import CRASHING, NOTHING, QUERY, asking, decided, running
from tests.unit.milvus.snapshots import ref_key

from glede.milvus.observed import Loads
from glede.milvus.podviews import PodView
from glede.milvus.scalein import ScaleIn


@dataclass
class Cluster:
    """A Deployment of query nodes as Kubernetes runs it: pods start, fail, stop slowly and end."""

    asked: int
    replicas: int
    seen: int = 0
    pods: list[str] = field(default_factory=list)
    loads: Loads | None = NOTHING

    def __post_init__(self) -> None:
        self.seen = self.replicas
        self.pods = ["ready"] * self.replicas
        self.wanted = asking(self.asked)

    def look(self) -> ScaleIn:
        staying = [state for state in self.pods if state != "leaving"]
        ready = staying.count("ready")
        values: dict[str, Any] = {
            "updated": len(staying),
            "total": len(staying),
            "ready": ready,
            "available": ready,
        }
        current = self.seen == self.replicas
        held = running(self.wanted, self.replicas, **values, current=current)
        found = tuple(
            PodView(
                ref_key(f"pod-{index}"),
                "kite",
                "querynode",
                ready=state in {"ready", "leaving"},
                deleting=state == "leaving",
                trouble=CRASHING if state == "broken" else "",
            )
            for index, state in enumerate(self.pods)
        )
        return decided(self.wanted, held, found, self.loads)

    def operate(self) -> None:
        """Take a step as the operator does, and check it."""
        number = self.look().replicas.get(QUERY, self.asked)
        staying = [state for state in self.pods if state != "leaving"]
        if number < self.replicas:
            needed = self.loads.nodes if self.loads else None
            assert needed is not None
            assert number == self.replicas - 1 >= needed
            assert "leaving" not in self.pods
            assert all(state == "ready" for state in staying) or "broken" in staying
        self.replicas = number

    def control(self) -> None:
        """Make and end pods as Kubernetes does: those that serve nobody go first."""
        self.seen = self.replicas
        staying = [index for index, state in enumerate(self.pods) if state != "leaving"]
        staying.sort(key=lambda index: self.pods[index] == "ready")
        for index in staying[: max(0, len(staying) - self.replicas)]:
            self.pods[index] = "leaving" if self.pods[index] == "ready" else "over"
        self.pods = [state for state in self.pods if state != "over"]
        self.pods += ["starting"] * max(0, self.replicas - len(staying))

    def turn(self, before: str, after: str) -> None:
        if before in self.pods:
            index = self.pods.index(before)
            self.pods[index : index + 1] = [after] if after else []


TURNS = (
    *(("leaving", ""), ("starting", "ready"), ("starting", "broken")),
    *(("ready", "broken"), ("broken", "starting"), ("ready", "starting")),
)
ANSWERS = (None, NOTHING, Loads(1, "a"), Loads(2, "b"), Loads(3, "c"), Loads(None, why="?"))
events = st.sampled_from([*["operate", "control"] * 6, *TURNS, *ANSWERS])


@settings(max_examples=300)
@given(st.integers(0, 3), st.integers(1, 5), st.sampled_from(ANSWERS), st.lists(events, max_size=40))
def test_whatever_happens_at_most_one_goes_at_a_time_and_in_the_end_all_have(
    asked: int, replicas: int, loads: Loads | None, events: list[Any]
) -> None:
    cluster = Cluster(asked, max(asked, replicas), loads=loads)
    for event in events:
        if event == "operate":
            cluster.operate()
        elif event == "control":
            cluster.control()
        elif isinstance(event, tuple):
            cluster.turn(*event)
        else:
            cluster.loads = event
    cluster.loads = NOTHING
    for _ in range(20):
        for turn in (("leaving", ""), ("broken", "starting"), ("starting", "ready")):
            for _ in range(len(cluster.pods)):
                cluster.turn(*turn)
        cluster.operate()
        cluster.control()
    assert cluster.replicas == cluster.asked
    assert len([state for state in cluster.pods if state == "ready"]) == cluster.asked
