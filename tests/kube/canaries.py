"""The REST API of a Milvus, as far as the canary search asks, which can be made to answer wrongly."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.kube.servers import faulty

VERSIONS = {"/v1/vector": 200, "/v2/vectordb": 0}


class PlayedMilvus:
    """Holds one collection; ``mode`` is ok, empty, short, slow or silent, ``version`` of the API 1 or 2."""

    def __init__(self, version: int = 1) -> None:
        self.mode = "ok"
        self.rows: list[dict[str, Any]] | None = None
        self.asked: list[tuple[str, str]] = []
        self.speaks(version)

    def speaks(self, version: int) -> None:
        """Speak a version of the API, and no other."""
        self._root = list(VERSIONS)[version - 1]

    def answer(self, path: str, body: dict[str, Any], token: str) -> tuple[int, object]:
        """Give HTTP status and content for a request."""
        self.asked.append((path, token))
        if not path.startswith(self._root):
            return 404, "404 page not found"
        verb = path.rpartition("/")[2]
        if verb == "create":
            self.rows = []
        elif self.rows is None:
            return 200, {"code": 100, "message": "collection not found[collection=glede_canary]"}
        elif verb == "drop":
            self.rows = None
        elif verb == "insert":
            self.rows += body["data"]
        return 200, {"code": VERSIONS[self._root], "data": self._hits(body) if verb == "search" else {}}

    def _hits(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        (wanted,) = body.get("data") or [body["vector"]]

        def distance(row: dict[str, Any]) -> float:
            return float(sum((a - b) ** 2 for a, b in zip(row["vector"], wanted, strict=True)))

        hits = [{"number": row["number"]} for row in sorted(self.rows or (), key=distance)]
        return hits[: {"empty": 0, "short": 3}.get(self.mode, body["limit"])]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request on a connection."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])
        }
        body = json.loads(await reader.readexactly(int(fields["content-length"])))
        if self.mode == "silent":
            await asyncio.sleep(60)
        if self.mode == "slow":
            await asyncio.sleep(1.2)
        status, content = self.answer(head[0].split()[1], body, fields.get("authorization", ""))
        text = json.dumps(content).encode()
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: {len(text)}\r\n\r\n".encode() + text)
        await writer.drain()


@asynccontextmanager
async def played(version: int = 1) -> AsyncIterator[tuple[PlayedMilvus, str]]:
    """Give one with its host:port."""
    milvus = PlayedMilvus(version)
    async with faulty(milvus.serve) as endpoint:
        yield milvus, endpoint
