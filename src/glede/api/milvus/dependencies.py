"""``spec.dependencies``: where Milvus keeps its metadata, its data and its log."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from glede.api.milvus.base import SERVED, Model, PodPart, Text, nullable, served

MsgStreamType = Literal["", "pulsar", "kafka", "woodpecker", "rocksmq", "natsmq", "custom"]
StorageType = Annotated[
    Literal["MinIO", "S3", "Azure"],
    BeforeValidator(lambda value: "MinIO" if value == "" else value),
    WithJsonSchema({"type": "string", "enum": ["MinIO", "S3", "Azure", ""]}),
]

_EXTERNAL = "Use one that runs already, outside of this operator's care."
_IN_CLUSTER = "The one that the operator runs, where external is false."


class InCluster(Model):
    """A dependency that the operator runs."""

    values: dict[str, Any] = nullable(
        {},
        "Settings by their Helm names: replicaCount, persistence, resources, image, nodeSelector ...",
    )
    chart_version: str | None = Field(
        default=None, description="Accepted and without effect: no Helm chart is used."
    )
    deletion_policy: Literal["Delete", "Retain"] = served(
        "Retain", "Whether the dependency is deleted with the Milvus or left running."
    )
    pvc_deletion: bool = Field(
        default=False, description="With deletionPolicy Delete: delete its volumes, and so the data, too."
    )


class Etcd(Model):
    """etcd, which holds the metadata."""

    external: bool = served(default=False, description=_EXTERNAL)
    endpoints: list[str] = Field(default=[], description="host:port of each member of an external etcd.")
    in_cluster: InCluster | None = Field(default=None, description=_IN_CLUSTER)


class StorageTls(Model):
    """TLS to an external object store, for the operator's own check of it."""

    enabled: bool = served(default=False, description="Check the object store over TLS.")
    ca_certificate_ref: str | None = Field(
        default=None, description="Secret whose key ca.crt holds the certificate of the authority."
    )
    insecure_skip_verify: bool = served(default=False, description="Take any certificate; for tests only.")


class Storage(Model):
    """The object store, which holds the data."""

    type: StorageType = Field(
        default="MinIO", description="MinIO, S3 or Azure.", json_schema_extra={SERVED: True}
    )
    external: bool = served(default=False, description=_EXTERNAL)
    endpoint: str | None = Field(default=None, description="host:port of an external object store.")
    secret_ref: str | None = Field(
        default=None,
        description="Secret with the keys accesskey and secretkey; without it they are made up, or IAM.",
    )
    ssl: StorageTls | None = Field(
        default=None, description="TLS for the operator's own check; Milvus's is spec.config.minio.useSSL."
    )
    in_cluster: InCluster | None = Field(default=None, description=_IN_CLUSTER)


class Pulsar(Model):
    """Pulsar as the log; it must be external."""

    external: bool = served(default=False, description=_EXTERNAL)
    endpoint: str | None = Field(default=None, description="host:port of an external Pulsar.")
    in_cluster: InCluster | None = Field(default=None, description="A Pulsar run by the operator.")


class Kafka(Model):
    """Kafka as the log."""

    external: bool = served(default=False, description=_EXTERNAL)
    broker_list: list[str] = Field(default=[], description="host:port of each broker of an external Kafka.")
    secret_ref: str | None = Field(
        default=None,
        description="Secret with username and password for SASL, and ca.pem for a private authority.",
    )
    in_cluster: InCluster | None = Field(default=None, description=_IN_CLUSTER)


class VolumeClaim(Model):
    """The volume of an embedded log."""

    existing_claim: str | None = Field(
        default=None, description="PersistentVolumeClaim to use in place of a new one."
    )
    labels: Text = Field(default={}, description="Labels of the claim.")
    annotations: Text = Field(default={}, description="Annotations of the claim.")
    spec: PodPart = nullable(
        {}, "Spec of the claim, for example storageClassName and resources; default 5Gi ReadWriteOnce."
    )


class Persistence(Model):
    """Whether an embedded log outlives its pod."""

    enabled: bool = Field(
        default=False, description="Keep the log on a volume; without it a lost pod loses it."
    )
    pvc_deletion: bool = Field(default=False, description="Delete the volume with the Milvus.")
    persistent_volume_claim: VolumeClaim | None = Field(
        default=None, description="The claim for the volume, or the name of one that exists."
    )


class EmbeddedLog(Model):
    """A log within Milvus itself: rocksmq or natsmq."""

    persistence: Persistence | None = Field(default=None, description="Whether the log outlives its pod.")


class QuorumBufferPool(Model):
    """One pool of an external Woodpecker."""

    name: str | None = Field(default=None, description="Name of the pool.")
    seeds: list[str] = Field(
        default=[], description="host:port of the pool's seeds; the port is mostly 18080."
    )


class Woodpecker(EmbeddedLog):
    """Woodpecker as the log: embedded, or an external service."""

    external: bool = served(default=False, description="Use a Woodpecker service that runs already.")
    quorum_buffer_pools: list[QuorumBufferPool] = Field(
        default=[], description="Pools of the external service."
    )


class Tei(Model):
    """Text Embeddings Inference beside Milvus."""

    enabled: bool = served(default=False, description="Run Text Embeddings Inference.")
    in_cluster: InCluster | None = Field(
        default=None, description="Settings of the one that the operator runs."
    )


class Dependencies(Model):
    """What Milvus stands on; what is not written runs in the cluster."""

    etcd: Etcd = Field(default=Etcd(), description="etcd, which holds the metadata.")
    storage: Storage = Field(default=Storage(), description="The object store, which holds the data.")
    msg_stream_type: MsgStreamType = Field(
        default="", description="The log. Left out: derived from the mode and the version."
    )
    pulsar: Pulsar = Field(default=Pulsar(), description="Pulsar as the log.")
    kafka: Kafka = Field(default=Kafka(), description="Kafka as the log.")
    rocksmq: EmbeddedLog = Field(
        default=EmbeddedLog(), alias="rocksmq", description="RocksMQ, a log within a standalone Milvus."
    )
    natsmq: EmbeddedLog = Field(
        default=EmbeddedLog(), alias="natsmq", description="NATS, a log within a standalone Milvus."
    )
    woodpecker: Woodpecker = Field(
        default=Woodpecker(), description="Woodpecker, a log on the object store (from 2.6)."
    )
    tei: Tei = Field(default=Tei(), description="Text Embeddings Inference beside Milvus.")
    custom_msg_stream: dict[str, Any] | None = nullable(
        None, "With msgStreamType custom: your own notes; the log is set up in spec.config."
    )
