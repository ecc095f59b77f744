"""The ``DocumentQA`` manifest (glede.io/v1alpha1): documents, where to keep them, how to answer.

The same manifest describes a laptop and a cluster: ``spec.store`` and ``spec.database`` say where
the data is, everything else is about questions and documents.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, StringConstraints, model_validator
from pydantic.alias_generators import to_camel

MIB = 1024 * 1024

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f,]+$")]


class Model(BaseModel):
    """Base of every manifest model: camelCase outside, unknown fields are errors."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, validate_default=True
    )


class Metadata(Model):
    """Kubernetes object metadata, as far as a local run needs it."""

    name: Name
    namespace: Name | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Source(Model):
    """A file or folder to ingest, relative to the manifest; folders are read recursively."""

    path: Path
    include: list[str] = Field(default=["**/*"], description="glob patterns, relative to path")
    exclude: list[str] = []
    tags: list[Tag] = Field(default=[], max_length=16)


class Listen(Model):
    """Where the service listens. Without keys only a loopback address is accepted."""

    host: str = "127.0.0.1"
    port: int = Field(default=8600, ge=0, le=65535, description="0 picks a free port")


class MilvusTarget(Model):
    """Which Milvus holds the index. Without ``uri`` it is an embedded Milvus Lite in the data folder."""

    uri: str | None = Field(default=None, description="for example http://milvus:19530")
    token_file: Path | None = Field(default=None, description="file with the token or user:password")
    collection_prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w{0,63}$")] = "glede"
    deadline_seconds: float = Field(default=5.0, gt=0, le=120)


class Endpoint(Model):
    """An OpenAI-compatible endpoint; ``url`` ends before /embeddings or /chat/completions."""

    url: HttpUrl
    model: str = Field(min_length=1)
    api_key_file: Path | None = Field(default=None, description="file that holds the key")
    timeout_seconds: float = Field(default=60.0, gt=0, le=600)


class Embedder(Model):
    """What turns text into vectors: nothing, MiniLM on this machine, or an endpoint."""

    kind: Literal["auto", "none", "minilm", "endpoint"] = "auto"
    endpoint: Endpoint | None = None
    scripts: list[Literal["latin", "cjk"]] | None = Field(
        default=None, description="scripts the model understands; MiniLM: latin, endpoints: both"
    )

    @model_validator(mode="after")
    def _endpoint_fits(self) -> Self:
        if (self.kind == "endpoint") != (self.endpoint is not None):
            raise ValueError("kind: endpoint and the field endpoint go together; give both or neither")
        return self


class Writer(Endpoint):
    """The model that writes answers. Without it answers are verbatim sentences."""

    max_in_flight: int = Field(default=16, ge=1, le=1024)
    max_tokens: int = Field(default=600, ge=16, le=8192)


class Limits(Model):
    """Bounds on what one request or document may cost."""

    upload_bytes: int = Field(default=200 * MIB, ge=1, le=2048 * MIB)
    pages: int = Field(default=5000, ge=1, le=100_000)
    question_chars: int = Field(default=2000, ge=1, le=100_000)
    in_flight: int = Field(default=64, ge=1, le=10_000, description="questions answered at one time")
    uploads_in_flight: int = Field(default=4, ge=1, le=256)
    queued_documents: int = Field(default=10_000, ge=1, description="per tenant")
    parse_seconds: int = Field(default=300, ge=1, le=3600)
    parse_memory_bytes: int = Field(default=1024 * MIB, ge=128 * MIB)
    answer_seconds: float = Field(default=30.0, gt=0, le=600)


class DocumentQASpec(Model):
    """The desired document QA service."""

    data_dir: Path | None = Field(default=None, description="default: the user's data folder, by name")
    database_url_file: Path | None = Field(default=None, description="file with an SQLAlchemy URL")
    documents: list[Source] = []
    examples: list[str] = Field(default=[], max_length=8, description="questions offered to a newcomer")
    listen: Listen = Listen()
    store: MilvusTarget = MilvusTarget()
    embedder: Embedder = Embedder()
    writer: Writer | None = None
    limits: Limits = Limits()


class DocumentQA(Model):
    """A whole manifest."""

    api_version: Literal["glede.io/v1alpha1"]
    kind: Literal["DocumentQA"]
    metadata: Metadata
    spec: DocumentQASpec = DocumentQASpec()
