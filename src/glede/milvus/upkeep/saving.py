"""A snapshot of etcd into the Milvus's own bucket, and the newest few of them kept there."""

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime

from glede.milvus.probe.gateway import SECONDS, gateway
from glede.milvus.probe.net import http_client
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.upkeep.bucket import Bucket
from glede.milvus.upkeep.place import Ward
from glede.milvus.upkeep.snapshot import snapshot, up_to_date

_LOG = logging.getLogger(__name__)
# So many snapshots of one etcd are kept.
KEPT = 3
# One that is younger and was made for the same template was made for the same change, by an operator that
# has ended meanwhile.
_SAME_CHANGE_SECONDS = 3600.0
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot: where it is, and its size in bytes; None where it was there already."""

    bucket: str
    key: str
    size: int | None = None


async def save(ward: Ward, revision: str) -> Saved:
    """Save etcd before its members take a template, of which ``revision`` is the name.

    Raises UnhealthyError or UnreachableError.
    """
    async with http_client(ward.store.tls) as client:
        bucket = Bucket(client, ward.store)
        there = _ours(ward, await bucket.keys(ward.folder))
        if there and _is_of_this_change(ward, there[-1], revision):
            return Saved(ward.store.bucket, there[-1])
        key = f"{ward.folder}{datetime.now(UTC).strftime(_MOMENT)}-{revision}.db"
        endpoint = await _member(ward)
        async with gateway(ward.etcd, endpoint) as etcd, aclosing(snapshot(etcd)) as data:
            size = await bucket.put(key, data)
        await _prune(ward, bucket, [*there, key])
    return Saved(ward.store.bucket, key, size)


async def _member(ward: Ward) -> str:
    """Find a member that knows all that was written. Raises UnreachableError."""
    wrong = list[str]()
    for endpoint in ward.etcd.endpoints:
        try:
            async with asyncio.timeout(SECONDS), gateway(ward.etcd, endpoint) as etcd:
                await up_to_date(etcd)
                return endpoint
        except TimeoutError:
            wrong.append(f"{endpoint}: no answer in {SECONDS:g} seconds")
        except (UnhealthyError, UnreachableError) as error:
            wrong.append(f"{endpoint}: {error}")
    raise UnreachableError(f"etcd {'; '.join(wrong)}")


async def _prune(ward: Ward, bucket: Bucket, keys: Sequence[str]) -> None:
    """Delete the oldest snapshots; one that stays is tried again after the next is made."""
    for key in sorted(keys)[:-KEPT]:
        try:
            await bucket.delete(key)
        except (UnhealthyError, UnreachableError) as error:
            _LOG.warning("%s: snapshot %s is not deleted: %s", ward.key, key, error)


def _ours(ward: Ward, keys: Sequence[str]) -> list[str]:
    """Give the snapshots of this etcd, the oldest first: whatever else is there is left alone."""
    form = re.compile(rf"{re.escape(ward.folder)}\d{{8}}T\d{{6}}Z-{re.escape(ward.workload)}-[^-/]+\.db")
    return sorted(key for key in keys if form.fullmatch(key))


def _is_of_this_change(ward: Ward, key: str, revision: str) -> bool:
    moment, _, rest = key.removeprefix(ward.folder).partition("-")
    if rest != f"{revision}.db":
        return False
    age = datetime.now(UTC) - datetime.strptime(f"{moment}+0000", f"{_MOMENT}%z")
    return age.total_seconds() < _SAME_CHANGE_SECONDS
