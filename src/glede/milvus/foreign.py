"""A Milvus that another operator has looked after: it is left alone until somebody has it adopted.

What another operator made has the names of what is made here, and is in use: an etcd and an object store that
Helm installed have Services of the very names that ours would have. So nothing is rendered over it before
``glede adopt`` has prepared it.
"""

from collections.abc import Mapping
from typing import Any

from glede.api.milvus.spec import Milvus
from glede.milvus.conditions import Condition, merged

# On a Milvus that was adopted.
ADOPTED = "glede.io/adopted"
REASON = "NotAdopted"


def is_foreign(milvus: Milvus) -> bool:
    """Tell whether another operator wrote the status, and nobody has the Milvus adopted since.

    Every status of ours names the image of its init containers. A manifest that is copied has no status.
    """
    told = milvus.status
    adopted = milvus.metadata.annotations.get(ADOPTED) == "true"
    return bool(told.get("status")) and "toolImage" not in told and not adopted


def left_alone(milvus: Milvus, now: str) -> dict[str, Any] | None:
    """Give the part of the status that tells of it; None where it is told already."""
    stood: list[Mapping[str, Any]] = milvus.status.get("conditions") or []
    if any(condition.get("reason") == REASON for condition in stood):
        return None
    name, namespace = milvus.metadata.name, milvus.metadata.namespace
    words = (
        f"another operator made this; nothing is done until it is adopted: kubectl glede adopt {name} "
        f"-n {namespace} --dry-run"
    )
    return {"conditions": merged(now, [Condition("Progressing", "False", REASON, words)], stood)}
