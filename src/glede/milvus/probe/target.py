"""What is asked about an external dependency, and what came of it."""

from dataclasses import dataclass, field

from glede.milvus.resolved import DependencyKind


@dataclass(frozen=True, slots=True)
class Tls:
    """How the other side's certificate is checked, in PEM; without ``authority`` by the system's.

    ``verify`` False takes any certificate. ``certificate`` and ``key`` are our own, where it asks for one.
    """

    authority: bytes | None = None
    verify: bool = True
    certificate: bytes | None = field(default=None, repr=False)
    key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials: a name and a password (of an object store: access key and secret key), or a token."""

    name: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """An external dependency of one Milvus, which ``uid`` and ``owner`` (namespace, name) tell.

    ``endpoints`` are host:port. ``bucket``, ``prefix``, ``region`` and ``virtual_host`` are an object
    store's (a bucket of Azure is a container), ``mechanism`` is Kafka's for ``login``. ``login`` None: not
    known here, or not needed. ``missing`` says what is named and does not exist: then nothing is asked.
    """

    uid: str
    owner: tuple[str, str]
    kind: DependencyKind
    type: str
    endpoints: tuple[str, ...]
    tls: Tls | None = None
    login: Login | None = None
    bucket: str = ""
    prefix: str = ""
    region: str = "us-east-1"
    virtual_host: bool = False
    mechanism: str = "PLAIN"
    missing: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """An answer, in the reasons of milvus-operator's conditions."""

    ok: bool
    reason: str
    message: str


READY: dict[DependencyKind, str] = {
    "etcd": "EtcdReady",
    "storage": "StorageReady",
    "log": "MsgStreamReady",
}
NOT_READY: dict[DependencyKind, str] = {
    "etcd": "EtcdNotReady",
    "storage": "ClientError",
    "log": "MsgStreamNotReady",
}
UNREACHABLE: dict[DependencyKind, str] = {
    "etcd": "ConnectionFailed",
    "storage": "ClientError",
    "log": "ConnectionFailed",
}
MISSING: dict[DependencyKind, str] = {
    "etcd": "EtcdNotReady",
    "storage": "SecretNotExist",
    "log": "CreateClientFailed",
}


class UnhealthyError(Exception):
    """It answered, and is not well or does not let us in. The message holds no credential."""


class UnreachableError(Exception):
    """It did not answer in time, or not in its own protocol."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an endpoint that is well told of itself; ``partly`` where it was reached and no more."""

    words: str
    partly: bool = False
