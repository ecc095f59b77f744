"""What a version of Milvus consists of, and the orders in which its parts start and are upgraded."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# The newest release of the line that milvus-operator installs by default (v2.6.11): the same formats on disk,
# with the fixes since. Before 2.6.10 port 9091 runs expressions without authentication (CVE-2026-26190).
DEFAULT_IMAGE = "milvusdb/milvus:v2.6.18"
IMAGE_FIELD = "spec.components.image"

COORDINATORS = ("rootcoord", "datacoord", "indexcoord", "querycoord")
# What their pods hold is handed over to the others while they stop.
HANDING_OVER = ("querynode", "streamingnode")

_OLDEST = (2, 2)
_KNOWN = {(2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (3, 0)}
_NEWEST = max(_KNOWN)
_NUMBERS = re.compile(r"v?(\d{1,6})\.(\d{1,6})(?:\.(\d{1,9}))?(?:[-+.](.*))?", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version of Milvus; ordered, a pre-release before its release.

    ``told`` is False where neither the manifest nor the image's tag tells a version: it then stands for a
    Milvus from before 2.6.
    """

    major: int
    minor: int
    patch: int = 0
    released: bool = True
    suffix: str = ""
    told: bool = True

    def __str__(self) -> str:
        if not self.told:
            return "unknown"
        return f"{self.major}.{self.minor}.{self.patch}" + (f"-{self.suffix}" if self.suffix else "")

    @property
    def line(self) -> str:
        """The release line, for example ``2.6``."""
        return f"{self.major}.{self.minor}"

    @property
    def streaming(self) -> bool:
        """Whether it is of the generation since 2.6: streaming nodes, one coordinator, no index nodes."""
        return (self.major, self.minor) >= (2, 6)

    @property
    def refreshes_user_yaml(self) -> bool:
        """Whether it reads user.yaml beside milvus.yaml, and reads both again while it runs."""
        return (self.major, self.minor) >= (2, 4)

    @property
    def stopping_holds_up(self) -> bool:
        """Whether a coordinator that is told to stop serves nobody and still holds its place for a while."""
        return (self.major, self.minor) < (2, 4)

    @property
    def loads_known(self) -> bool:
        """Whether it is known where in etcd it notes what is loaded: the same place from 2.2 to 2.6."""
        return self.told and (2, 2) <= (self.major, self.minor) <= (2, 6)

    @property
    def fences(self) -> bool:
        """Whether its coordinator can be told to empty a query node and to keep it empty."""
        return self.told and (self.major, self.minor) >= (2, 5)

    @property
    def has_cdc(self) -> bool:
        """Whether it has change data capture within itself."""
        return self >= Version(2, 6, 6)


UNTOLD = Version(2, 5, told=False)
MASTER = Version(_NEWEST[0], _NEWEST[1], released=False, suffix="master")


def image_of(written: str | None, usual: Mapping[str, str]) -> str:
    """Give the image that a Milvus runs: as written, else its usual one, by field, else the default."""
    return written or usual.get(IMAGE_FIELD, DEFAULT_IMAGE)


def parse_version(text: str | None, image: str | None) -> Version:
    """Tell the version from ``spec.components.version``, else from the tag of the image (or the default's).

    milvus-operator's rules: a tag ``master-...`` is newer than 2.6, and what cannot be read is older.
    """
    tag = text.strip() if text else _tag(image or DEFAULT_IMAGE)
    if tag.startswith("master-") or tag == "master":
        return MASTER
    found = _NUMBERS.fullmatch(tag)
    if not found:
        return UNTOLD
    major, minor, patch, suffix = found.groups()
    suffix = suffix or ""
    # v2.5.16-gpu is the release 2.5.16; only rc, alpha, beta and dev come before it.
    released = not re.match(r"(rc|alpha|beta|dev)", suffix, re.IGNORECASE)
    return Version(int(major), int(minor), int(patch or 0), released, suffix)


def _tag(image: str) -> str:
    name = image.partition("@")[0].rpartition("/")[2]
    return name.partition(":")[2]


def refused(version: Version) -> str | None:
    """Tell why a version cannot be run at all; None where it can."""
    if version.told and ((version.major, version.minor) < _OLDEST or version.major > _NEWEST[0]):
        return f"found version {version}, expected {_known()}; name an image of one of these"
    return None


def doubtful(version: Version) -> str | None:
    """Tell what is uncertain about a version that is run all the same; None where nothing is."""
    if not version.told:
        return (
            "tells no version, so it is taken for one from before 2.6; "
            "set spec.components.version where it is newer"
        )
    if (version.major, version.minor) not in _KNOWN:
        return f"version {version} is not known here ({_known()}); it is run as the nearest older one"
    return None


def _known() -> str:
    return ", ".join(f"{major}.{minor}" for major, minor in sorted(_KNOWN))


def components_of(version: Version, *, cluster: bool, written: Iterable[str] = ()) -> tuple[str, ...]:
    """Give the components that a Milvus consists of, in the order in which they start.

    ``written`` are those that the manifest names: one of the four coordinators stands for all four (before
    2.6), ``cdc`` (since 2.6.6) and ``streamingnode`` (before 2.6) are there only when they are named.
    """
    named = set(written)
    later = ("cdc",) if "cdc" in named and version.has_cdc else ()
    if not cluster:
        return ("standalone", *later)
    if version.streaming:
        return ("mixcoord", "streamingnode", "datanode", "querynode", "proxy", *later)
    split = named.intersection(COORDINATORS) and "mixcoord" not in named
    coordinators = COORDINATORS if split else ("mixcoord",)
    streaming = ("streamingnode",) if "streamingnode" in named else ()
    return (*coordinators, *streaming, "indexnode", "datanode", "querynode", "proxy")


def is_of_mode(component: str, *, cluster: bool) -> bool:
    """Tell whether a component may run in a mode; change data capture writes to another Milvus, in both."""
    return component == "cdc" or (component != "standalone") == cluster


def upgrade_order(earlier: Version, later: Version, components: Iterable[str]) -> tuple[str, ...]:
    """Order components for a change from one version to a later one; a downgrade is the reverse.

    milvus-operator's orders: index nodes before coordinators, coordinators before workers, proxies last; at
    the step to 2.6 the streaming nodes come before the coordinator that looks for them.
    """
    order: tuple[str, ...] = _UPGRADE_ORDER
    if later.streaming and not earlier.streaming:
        order = ("cdc", "streamingnode", *(name for name in order if name not in ("cdc", "streamingnode")))
    return tuple(sorted(components, key=order.index))


_UPGRADE_ORDER = (
    "cdc",
    "indexnode",
    "mixcoord",
    "rootcoord",
    "datacoord",
    "indexcoord",
    "querycoord",
    "streamingnode",
    "querynode",
    "datanode",
    "proxy",
    "standalone",
)


def after(component: str, components: Iterable[str]) -> tuple[str, ...]:
    """Give those of the wanted components that must be there before one that is wanted no longer may go."""
    wanted = tuple(components)
    if component in wanted:  # one of its groups is wanted no longer
        return (component,)
    return tuple(name for name in _TAKEN_OVER_BY.get(component, ()) if name in wanted) or wanted


# Data nodes build indexes since 2.6.
_TAKEN_OVER_BY = {
    "indexnode": ("datanode",),
    "mixcoord": COORDINATORS,
    **dict.fromkeys(COORDINATORS, ("mixcoord",)),
}


def arguments_of(component: str) -> tuple[str, ...]:
    """Give the command of a component, for the image's own entry point.

    ``mixture`` with its parts named starts the one coordinator in every version, 2.6 and 3.0 included, where
    ``mixcoord`` is known since 2.6 only.
    """
    if component == "mixcoord":
        return ("milvus", "run", "mixture", *(f"-{name}" for name in _MIXTURE))
    return ("milvus", "run", component)


_MIXTURE = ("rootcoord", "querycoord", "datacoord", "indexcoord")


def standby_sections(version: Version, component: str) -> tuple[str, ...]:
    """Give the sections of milvus.yaml whose ``enableActiveStandby`` lets a coordinator run twice."""
    if component in ("mixcoord", "standalone"):
        every = ("rootCoord", "dataCoord", "indexCoord", "queryCoord")
        return ("mixCoord", *every) if version.streaming else every
    return _STANDBY.get(component, ())


_STANDBY = {
    "rootcoord": ("rootCoord",),
    "datacoord": ("dataCoord",),
    "indexcoord": ("indexCoord",),
    "querycoord": ("queryCoord",),
}
