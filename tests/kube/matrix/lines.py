"""The release lines that a Milvus is walked through: manifests, and the order that each step has to keep."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.kube.matrix.manifests import ONE, cluster, standalone
from tests.kube.matrix.sick import Trouble, falling_ill

from glede.kube.objects import Object

IMAGES = {
    "2.3": "milvusdb/milvus:v2.3.5",
    "2.4": "milvusdb/milvus:v2.4.15",
    "2.5": "milvusdb/milvus:v2.5.16",
    "2.6": "milvusdb/milvus:v2.6.18",
    "3.0": "milvusdb/milvus:v3.0.1",
}
UP = tuple(IMAGES)
FIELDS = {
    "cdc": "cdc",
    "indexnode": "indexNode",
    "mixcoord": "mixCoord",
    "rootcoord": "rootCoord",
    "datacoord": "dataCoord",
    "indexcoord": "indexCoord",
    "querycoord": "queryCoord",
    "streamingnode": "streamingNode",
    "querynode": "queryNode",
    "datanode": "dataNode",
    "proxy": "proxy",
    "standalone": "standalone",
}
FOUR = ("rootcoord", "datacoord", "indexcoord", "querycoord")
WORKERS = ("querynode", "datanode", "proxy")
# The shortest that a manifest may ask for.
DEADLINE_SECONDS = 30


@dataclass(frozen=True)
class Shape:
    """What a Milvus is made of in each line; ``split``: four coordinators, and change data capture."""

    alone: bool = False
    split: bool = False

    def spec(self, line: str, **components: Any) -> Object:
        """Give the spec of a line, or of an image."""
        image = IMAGES.get(line, line)
        common = {"image": image, "rollout": {"progressDeadlineSeconds": DEADLINE_SECONDS}}
        if self.alone:
            return standalone(**{**common, **components})
        own: dict[str, Any] = {"queryNode": ONE, "proxy": ONE, "indexNode": ONE}
        if self.split:
            own |= {FIELDS[name]: ONE for name in (*FOUR, "cdc")}
        found = cluster(**{**common, **own})
        parts = found["components"]
        if self.split:
            del parts["mixCoord"]
        if not _streams(image):
            del parts["streamingNode"]
        parts |= components
        return found

    def ill(self, line: str, component: str, trouble: Trouble) -> Object:
        """Give the spec of a line in which the new pods of a component do not come up."""
        name = FIELDS[component]
        parts = self.spec(line)["components"]
        return self.spec(line, **{name: {**parts.get(name, {}), **falling_ill(trouble)}})

    def order(self, *, streams: bool) -> tuple[str, ...]:
        """Give the order of an upgrade that begins and ends before 2.6, or begins and ends after it."""
        if self.alone:
            return ("standalone",)
        first = ("cdc",) if self.split else ()
        if streams:
            return (*first, "mixcoord", "streamingnode", *WORKERS)
        return ("indexnode", *(FOUR if self.split else ("mixcoord",)), *WORKERS)


def _streams(image: str) -> bool:
    return image >= IMAGES["2.6"][: -len(".18")]


@dataclass(frozen=True)
class Step:
    """A change of the image. ``leaving``: what goes, and after which component."""

    shape: Shape
    old: str
    new: str
    order: tuple[str, ...]
    leaving: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> tuple[str, str]:
        """The image before and the one after."""
        return IMAGES.get(self.old, self.old), IMAGES.get(self.new, self.new)

    @property
    def same_line(self) -> bool:
        """Whether it stays within a release line."""
        return self.old not in IMAGES or self.new not in IMAGES


def step(shape: Shape, old: str, new: str) -> Step:
    """Give a step between two lines, up or down, or to another image of the same line."""
    one, other = (_streams(IMAGES.get(line, line)) for line in (old, new))
    down = old in IMAGES and new in IMAGES and new < old
    if one == other or shape.alone:
        order = shape.order(streams=one)
        return Step(shape, old, new, order[::-1] if down else order)
    if down:
        back = ("proxy", "datanode", "querynode", "mixcoord", "indexnode")
        return Step(shape, old, new, back, {"streamingnode": "indexnode"})
    coordinators = dict.fromkeys(FOUR, "mixcoord") if shape.split else {}
    first = ("cdc",) if shape.split else ()
    order = (*first, "streamingnode", "mixcoord", *WORKERS)
    return Step(shape, old, new, order, {"indexnode": "datanode", **coordinators})


CLUSTER, SPLIT, ALONE = Shape(), Shape(split=True), Shape(alone=True)
