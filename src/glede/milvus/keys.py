"""Secrets of keys that the operator makes up: made once, and kept whole."""

import base64
import secrets
from contextlib import suppress
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.kube.errors import Conflict, NotFound
from glede.kube.objects import SECRET
from glede.kube.transport import Transport
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.plan import Amendment
from glede.milvus.render.labels import owner_reference
from glede.milvus.resolved import Dependency

Object = dict[str, Any]
_KEY_BYTES = 24


async def generate(transport: Transport, milvus: Milvus, dependency: Dependency) -> None:
    """Make up a Secret once. One that is there already is left alone. Raises ApiError."""
    name, meta = str(dependency.secret), milvus.metadata
    body: Object = {
        "apiVersion": SECRET.api_version,
        "kind": SECRET.kind,
        "metadata": {
            "name": name,
            "namespace": meta.namespace,
            "labels": {MILVUS_LABEL: meta.name},
        },
        "type": "Opaque",
        "data": {key: _made_up() for key in dependency.generated},
    }
    if dependency.in_cluster and dependency.in_cluster.deletes_volumes:
        body["metadata"]["ownerReferences"] = [owner_reference(milvus)]
    with suppress(Conflict):
        await transport.create(SECRET, body)


async def amend(transport: Transport, milvus: Milvus, amendment: Amendment) -> None:
    """Make up the keys that a Secret lacks, and set its owner.

    Raises Conflict where it has changed, ApiError where the API server could not be asked.
    """
    metadata: Object = {"resourceVersion": amendment.resource_version}
    if amendment.owned is not None:
        metadata["ownerReferences"] = [owner_reference(milvus)] if amendment.owned else None
    body: Object = {"metadata": metadata}
    if amendment.keys:
        body["data"] = {key: _made_up() for key in amendment.keys}
    with suppress(NotFound):
        await transport.patch(SECRET, amendment.ref.key, body)


def _made_up() -> str:
    """Make up a credential, encoded as a Secret's data are."""
    return base64.b64encode(secrets.token_urlsafe(_KEY_BYTES).encode()).decode()
