"""The query coordinator's notes on what is loaded, in Milvus's etcd.

Below ``<etcd.rootPath>/<etcd.metaSubPath>/`` there is ``querycoord-collection-loadinfo/COLLECTION`` for each
loaded collection, and ``querycoord-replica/COLLECTION/REPLICA`` for each of its in-memory replicas, from
Milvus 2.2 to 2.6 (its ``internal/metastore/kv/querycoord``); both go when it is released. The keys tell all
that is needed. Only the name of a collection is in a value, in Protocol Buffers:
``root-coord/database/collection-info/DATABASE/COLLECTION``, since 2.3.
"""

import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from glede.milvus.probe import ProbeResult, ProbeTarget
from glede.milvus.probe.gateway import Gateway, at_one, coded, end_of
from glede.milvus.probe.target import UnhealthyError, UnreachableError
from glede.milvus.readable import readable

# An answer is at most 1 MiB, and a key of usual length takes some 250 bytes of it.
PAGE = 2000
# More than Milvus carries; what is below is not worth more of etcd's time.
MOST_PAGES = 20
# Milvus allows 64.
_MOST_DATABASES = 64
# Fields of Milvus's messages: CollectionInfo.schema, CollectionSchema.name.
_SCHEMA, _NAME = 2, 1
_BYTES = 2


@dataclass(frozen=True, slots=True)
class Needed(ProbeResult):
    """An answer: so many query nodes are needed, by this collection."""

    nodes: int = 0
    collection: str = ""


async def ask_needed(target: ProbeTarget) -> ProbeResult:
    """Ask an etcd, below the target's prefix, how many query nodes the loaded data need.

    Gives a Needed, or a plain ProbeResult that tells why not.
    """
    try:
        return await at_one(target, lambda etcd: _Notes(etcd, target.prefix).needed())
    except (UnhealthyError, UnreachableError) as error:
        return ProbeResult(ok=False, reason="", message=f"etcd: {error}")


@dataclass(slots=True)
class _Notes:
    """The notes as they were at one moment, which the first answer sets."""

    etcd: Gateway
    prefix: str
    _at: dict[str, str] = field(default_factory=dict)

    async def needed(self) -> Needed:
        """Count the replicas of what is loaded. Raises UnhealthyError or UnreachableError."""
        loaded = {key[0] for key in await self._keys("querycoord-collection-loadinfo/")}
        replicas = await self._keys("querycoord-replica/")
        counts = Counter(key[0] for key in replicas if len(key) == 2 and key[0] in loaded)
        if not counts:
            return Needed(ok=True, reason="", message="")
        # Of several that need as many the oldest, so that the same one is told each time.
        collection, nodes = min(counts.items(), key=lambda item: (-item[1], len(item[0]), item[0]))
        name = await self._name(collection)
        words = f"{name} ({collection})" if name else readable(collection)
        return Needed(ok=True, reason="", message="", nodes=nodes, collection=words)

    async def _keys(self, below: str) -> list[list[str]]:
        """Give the parts of all keys below a prefix, without it."""
        prefix = f"{self.prefix}{below}"
        start, found = prefix, list[list[str]]()
        for _ in range(MOST_PAGES):
            answer = await self._range(start, range_end=coded(end_of(prefix)), limit=PAGE, keys_only=True)
            keys = [_text(pair["key"]) for pair in answer.get("kvs", [])]
            found += [key.removeprefix(prefix).split("/") for key in keys]
            if not answer.get("more"):
                return found
            start = f"{keys[-1]}\0"
        raise UnhealthyError(f"it has more than {MOST_PAGES * PAGE} keys below {below}")

    async def _name(self, collection: str) -> str:
        """Give a collection's name; "" where it is not found."""
        below = "root-coord/database"
        for database, *_ in (await self._keys(f"{below}/db-info/"))[:_MOST_DATABASES]:
            answer = await self._range(f"{self.prefix}{below}/collection-info/{database}/{collection}")
            for pair in answer.get("kvs", []):
                schema = part_of(base64.b64decode(pair.get("value", "")), _SCHEMA)
                return readable(part_of(schema, _NAME))
        return ""

    async def _range(self, start: str, **options: Any) -> dict[str, Any]:
        answer = await self.etcd.call("kv/range", {"key": coded(start), **options, **self._at})
        revision = answer.get("header", {}).get("revision")
        if revision and not self._at:
            self._at["revision"] = str(revision)
        return answer


def _text(key: str) -> str:
    return base64.b64decode(key).decode(errors="replace")


def part_of(message: Sequence[int], number: int) -> bytes:
    """Give the first field of that number in a message of Protocol Buffers, if it holds bytes; b"" for none.

    What is no such message has none either.
    """
    data = bytes(message)
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == _BYTES:
            size, at = _varint(data, at)
            if tag >> 3 == number:
                return data[at : at + size]
            at += size
        elif kind == 0:
            _, at = _varint(data, at)
        else:
            at += {1: 8, 5: 4}.get(kind, len(data))
    return b""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number; gives it, and where it ends."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            break
    return value, at
