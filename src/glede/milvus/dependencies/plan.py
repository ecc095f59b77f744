"""What the dependencies that the operator runs have in common: replicas, image, volume and place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from glede.api.milvus.base import PodPart
from glede.api.milvus.dependencies import InCluster
from glede.api.milvus.quantity import parse_quantity
from glede.api.milvus.spec import Milvus
from glede.milvus.dependencies.values import Values
from glede.milvus.facts import Facts
from glede.milvus.resolved import DependencyKind, Derived, InClusterPlan, Problem, Volume
from glede.milvus.versions import Version

LABEL = "app.kubernetes.io"
ENOUGH_NODES = 3
_HOSTNAME = "kubernetes.io/hostname"
_ZONE = "topology.kubernetes.io/zone"


@dataclass(slots=True)
class Notes:
    """What is told beside a result: derived values, and what is wrong."""

    derived: list[Derived] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def derive(self, name: str, value: str | int | bool, reason: str) -> None:
        """Tell a value that the manifest does not give."""
        self.derived.append(Derived(name, value, reason))

    def invalid(self, name: str, message: str) -> None:
        """Tell what has to be changed."""
        self.problems.append(Problem("invalid", name, message))

    def unsupported(self, name: str, message: str) -> None:
        """Tell what has no effect."""
        self.problems.append(Problem("unsupported", name, message))


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, and the world around it; notes are taken on the way."""

    milvus: Milvus
    facts: Facts
    version: Version
    notes: Notes

    @property
    def name(self) -> str:
        """The Milvus's name."""
        return self.milvus.metadata.name

    @property
    def namespace(self) -> str:
        """The Milvus's namespace."""
        return self.milvus.metadata.namespace

    @property
    def cluster(self) -> bool:
        """Whether it is to be a cluster."""
        return self.milvus.spec.mode == "cluster"

    def values(self, name: str, spec: InCluster | None) -> Values:
        """Give the values that the manifest has for a dependency by its field, for example ``etcd``."""
        return Values(spec.values if spec else {}, f"spec.dependencies.{name}.inCluster.values")


@dataclass(frozen=True, slots=True)
class Kind:
    """A dependency as the operator runs it where the manifest says nothing else.

    ``field`` is its field in ``spec.dependencies``; ``full`` its pods in a cluster with enough nodes;
    ``required_apart`` tells whether two of its pods on one node break what they promise.
    """

    kind: DependencyKind
    name: str
    field: str
    image: str
    size: str
    full: int
    requests: Mapping[str, str]
    limits: Mapping[str, str]
    required_apart: bool = True

    @property
    def replicas_field(self) -> str:
        """The name under which its derived replicas are remembered."""
        return f"dependencies.{self.field}.replicas"

    @property
    def vintage_field(self) -> str:
        """The name under which the vintage of what runs is known."""
        return f"dependencies.{self.field}.vintage"

    @property
    def image_field(self) -> str:
        """The name under which its derived image is remembered."""
        return f"dependencies.{self.field}.image"


def replicas_of(asked: Asked, kind: Kind, written: int | None) -> int:
    """Give the number of pods: as written, else as it runs, else by the mode and the nodes.

    The number of a dependency that runs is never changed by derivation: its members hold data.
    """
    earlier = asked.facts.earlier.get(kind.replicas_field)
    if written is not None:
        if earlier is not None and earlier != written:
            where = f"spec.dependencies.{kind.field}.inCluster.values"
            asked.notes.invalid(where, f"asks for {written} {kind.name}, of which {earlier} {_MEMBERS}")
        return written
    number, reason = _derived_replicas(asked, kind, earlier)
    asked.notes.derive(kind.replicas_field, number, reason)
    return number


_MEMBERS = (
    "run with data; members are not added or removed by a new number: "
    "move the data to a Milvus that has the number from the start"
)


def _derived_replicas(asked: Asked, kind: Kind, earlier: int | None) -> tuple[int, str]:
    nodes = asked.facts.nodes
    if earlier is not None:
        return earlier, "as many as it has been made with"
    if not asked.cluster:
        return 1, "mode standalone"
    if nodes is None:
        return kind.full, "mode cluster; the nodes are not known"
    if nodes >= ENOUGH_NODES:
        return kind.full, f"mode cluster on {nodes} nodes"
    return 1, f"mode cluster, but {nodes} nodes, and several on one node outlive no node"


def in_cluster(
    asked: Asked, kind: Kind, spec: InCluster | None, values: Values, replicas: int
) -> InClusterPlan:
    """Read what every dependency can be told about its pods."""
    image = values.section("image")
    pull_secrets = (*(image.names("pullSecrets") or ()), *(values.names("imagePullSecrets") or ()))
    image.off("debug")
    policies = ("Always", "IfNotPresent", "Never")
    return InClusterPlan(
        workload=f"{asked.name}-{kind.name}",
        replicas=replicas,
        image=_image(asked, kind, image),
        volume=_volume(values, asked.facts.volumes.get(kind.kind), kind.size),
        resources=values.mapping("resources") or {"requests": kind.requests, "limits": kind.limits},
        pull_policy=image.choice("pullPolicy", policies) or "IfNotPresent",
        pull_secrets=pull_secrets,
        node_selector=values.texts("nodeSelector") or {},
        tolerations=values.items("tolerations") or (),
        affinity=_affinity(asked, kind, values, replicas),
        env=_env(values),
        pod_labels=values.texts("podLabels") or {},
        pod_annotations=values.texts("podAnnotations") or {},
        pod=_pod(asked, kind, values, replicas),
        budget=_budget(values, replicas),
        deletes_workload=bool(spec and spec.deletion_policy == "Delete"),
        deletes_volumes=bool(spec and spec.deletion_policy == "Delete" and spec.pvc_deletion),
    )


def _image(asked: Asked, kind: Kind, values: Values) -> str:
    default = asked.facts.images.get(kind.image_field, kind.image)
    usual, _, usual_tag = default.rpartition(":")
    registry, repository = values.text("registry"), values.text("repository")
    tag, digest = values.text("tag"), values.text("digest")
    if not (registry or repository or tag or digest):
        asked.notes.derive(kind.image_field, default, "the default when this was made")
        return default
    if registry and not repository:
        # A mirror keeps the path; a default's registry is its part before the first slash, where it has one.
        first, _, rest = usual.partition("/")
        repository = rest if "." in first else usual
    name = repository or usual
    place = f"{registry.rstrip('/')}/{name}" if registry else name
    return f"{place}@{digest}" if digest else f"{place}:{tag or usual_tag}"


def _volume(values: Values, running: str | None, usual: str) -> Volume | None:
    persistence = values.section("persistence")
    enabled = persistence.flag("enabled")
    asked_size = persistence.quantity("size")
    storage_class = persistence.text("storageClass")
    modes = ("ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany")
    mode = persistence.choice("accessMode", modes)
    several = persistence.names("accessModes") or ()
    if enabled is False:
        return None
    size = asked_size or running or usual
    if running and parse_quantity(size) < parse_quantity(running):
        # The manifest of before, after its successor was taken back: volumes do not shrink.
        size = running
    return Volume(
        size=size,
        storage_class="" if storage_class == "-" else storage_class or None,
        access_mode=mode or (several[0] if several else "ReadWriteOnce"),
    )


def _env(values: Values) -> tuple[PodPart, ...]:
    listed = (*(values.items("extraEnvVars") or ()), *(values.items("extraEnv") or ()))
    mapped = values.mapping("environment") or {}
    return (*listed, *({"name": name, "value": str(value)} for name, value in mapped.items()))


def selector_of(asked_name: str, kind_name: str) -> dict[str, str]:
    """Give the labels by which a dependency's pods are found; Milvus's own selector matches none of them."""
    return {f"{LABEL}/instance": asked_name, f"{LABEL}/name": kind_name}


def _affinity(asked: Asked, kind: Kind, values: Values, replicas: int) -> PodPart | None:
    preset = values.choice("podAntiAffinityPreset", ("soft", "hard"))
    given = values.mapping("affinity")
    if given:
        return given
    if replicas < 2:
        return None
    nodes = asked.facts.nodes
    hard = preset == "hard" or (
        preset is None and kind.required_apart and nodes is not None and nodes >= replicas
    )
    term = {
        "labelSelector": {"matchLabels": selector_of(asked.name, kind.name)},
        "topologyKey": _HOSTNAME,
    }
    if hard:
        return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    preferred = [{"weight": 100, "podAffinityTerm": term}]
    return {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}


def _pod(asked: Asked, kind: Kind, values: Values, replicas: int) -> dict[str, Any]:
    """Read further fields of the pod's spec."""
    spread = values.items("topologySpreadConstraints")
    if (
        spread is None
        and replicas > 1
        and asked.facts.zones > 1
        and asked.milvus.spec.availability.zone_spread
    ):
        selector = {"matchLabels": selector_of(asked.name, kind.name)}
        spread = (
            {
                "maxSkew": 1,
                "topologyKey": _ZONE,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": selector,
            },
        )
    pod: dict[str, Any] = {"topologySpreadConstraints": list(spread)} if spread else {}
    for name in ("priorityClassName", "schedulerName", "runtimeClassName"):
        if text := values.text(name):
            pod[name] = text
    grace = values.count("terminationGracePeriodSeconds", least=0, most=86400)
    if grace is not None:
        pod["terminationGracePeriodSeconds"] = grace
    for name in ("podSecurityContext", "securityContext"):
        context = values.mapping(name)
        if context is not None:
            pod["securityContext"] = _security(context)
    return pod


def _security(given: Mapping[str, Any]) -> dict[str, Any]:
    """Read the charts' form of a security context, whose ``enabled: false`` leaves all to the image."""
    if given.get("enabled") is False:
        return {}
    return {name: value for name, value in given.items() if name != "enabled"}


def _budget(values: Values, replicas: int) -> PodPart | None:
    """Read the PodDisruptionBudget: one pod at a time where there are at least three."""
    least: Any = None
    most: Any = None
    wanted: bool | None = None
    for name, switch in (("pdb", "create"), ("podDisruptionBudget", "enabled")):
        section = values.section(name)
        flag = section.flag(switch)
        wanted = flag if flag is not None else wanted
        least = section.text("minAvailable") or least
        most = section.text("maxUnavailable") or most
    if wanted is False or (wanted is None and replicas < ENOUGH_NODES):
        return None
    if least:
        return {"minAvailable": _number_or_share(least)}
    return {"maxUnavailable": _number_or_share(most or "1")}


def _number_or_share(text: str) -> int | str:
    return int(text) if text.isdigit() else text
