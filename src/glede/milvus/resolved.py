"""What a manifest comes to: every value that is rendered, with the reason for each that was derived."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from glede.api.milvus.base import PodPart
from glede.api.milvus.components import Component
from glede.api.milvus.spec import Milvus
from glede.milvus.versions import Version

Object = dict[str, Any]
DependencyKind = Literal["etcd", "storage", "log"]


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that the manifest does not give, and why it is what it is."""

    field: str
    value: str | int | bool
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a manifest or in what it names.

    ``invalid`` stops the change, what runs goes on; ``unsupported`` and ``unknown`` fields have no effect and
    are told; a ``warning`` is about something that has its effect.
    """

    kind: Literal["invalid", "unsupported", "unknown", "warning"]
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Volume:
    """A claim for storage of one pod."""

    size: str
    storage_class: str | None = None
    access_mode: str = "ReadWriteOnce"


@dataclass(frozen=True, slots=True)
class InClusterPlan:
    """A dependency that the operator runs, as a StatefulSet of this name.

    ``options`` are the program's own settings, as environment variables, ``env`` is what the manifest adds.
    ``pod`` are further fields of the pod's spec, ``budget`` is the spec of its PodDisruptionBudget without
    the selector. ``vintage`` numbers the options that are ours: those it was made with.
    """

    workload: str
    replicas: int
    image: str
    volume: Volume | None
    resources: PodPart
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[PodPart, ...] = ()
    affinity: PodPart | None = None
    env: tuple[PodPart, ...] = ()
    pod_labels: Mapping[str, str] = field(default_factory=dict)
    pod_annotations: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    pod: PodPart = field(default_factory=dict)
    budget: PodPart | None = None
    vintage: int = 0
    deletes_workload: bool = False
    deletes_volumes: bool = False


@dataclass(frozen=True, slots=True)
class Dependency:
    """etcd, the object store or the log.

    ``type``: etcd, minio, s3, azure, kafka, pulsar, rocksmq, natsmq, woodpecker or custom. ``settings`` is
    its part of milvus.yaml, without credentials; those come by ``env``. ``secret`` names the Secret that
    holds them, ``generated`` the keys that the operator makes up where that Secret is its own,
    ``credentials`` those that the manifest itself gives in clear.
    """

    kind: DependencyKind
    type: str
    endpoints: tuple[str, ...] = ()
    secret: str | None = None
    generated: tuple[str, ...] = ()
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    in_cluster: InClusterPlan | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    env: tuple[PodPart, ...] = ()
    volumes: tuple[PodPart, ...] = ()
    volume_mounts: tuple[PodPart, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether it runs within Milvus itself."""
        return self.in_cluster is None and not self.endpoints


@dataclass(frozen=True, slots=True)
class Workload:
    """One Deployment of Milvus.

    ``replicas`` is None where an autoscaler sets the number. ``settings`` are the component's own over those
    for all. ``least`` is how many pods it has at least, for what depends on there being several; ``apart``
    tells that there is a node for each. ``labels`` and ``annotations`` are those that the manifest adds to
    the pods. ``canary`` tells that it is the canary of its component, beside the one of all other pods.
    """

    component: str
    name: str
    arguments: tuple[str, ...]
    image: str
    settings: Component
    replicas: int | None
    least: int
    group: str | None = None
    apart: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    canary: bool = False


@dataclass(frozen=True, slots=True)
class Resolved:
    """A whole Milvus, ready to be rendered.

    ``settings`` is user.yaml, ``restarting`` the part of it whose change matters to pods that run.
    ``credentials`` are those that the manifest gives among its settings, by environment variable.
    ``secret_keys`` are the keys of each Secret that the manifest names and that exists.
    ``standby`` are the components that may run twice. ``nodes`` are the most that were ever seen.
    """

    milvus: Milvus
    version: Version
    image: str
    tool_image: str
    pod_monitors: bool
    workloads: tuple[Workload, ...]
    etcd: Dependency
    storage: Dependency
    log: Dependency
    settings: Mapping[str, Any]
    secret_digests: Mapping[str, str]
    derived: tuple[Derived, ...]
    nodes: int | None
    secret_keys: Mapping[str, frozenset[str]] = field(default_factory=dict)
    restarting: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    standby: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        """The Milvus's name."""
        return self.milvus.metadata.name

    @property
    def namespace(self) -> str:
        """The Milvus's namespace."""
        return self.milvus.metadata.namespace

    @property
    def dependencies(self) -> tuple[Dependency, Dependency, Dependency]:
        """What Milvus stands on."""
        return self.etcd, self.storage, self.log

    @property
    def stopped(self) -> bool:
        """Whether every component is asked for no pod."""
        return all(workload.replicas == 0 for workload in self.workloads)
