"""Metrics of pods that kwok plays: as Milvus's proxies write them, growing as if clients asked."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from glede.milvus.podviews import PodView

_BOUNDS = tuple(2**power for power in range(18))
_RATE = 100.0


@dataclass
class Part:
    """How some pods serve: requests a second, the share that fails, and the ms that each takes."""

    rate: float = _RATE
    failing: float = 0.0
    ms: float = 20.0
    silent: bool = False


@dataclass
class Meters:
    """A server on loopback that stands for port 9091 of all pods of a namespace."""

    canary: Part = field(default_factory=Part)
    others: Part = field(default_factory=Part)
    port: int = 0
    began: float = field(default_factory=time.monotonic)
    asked: list[str] = field(default_factory=list)

    def address(self, pod: PodView) -> str:
        """Stand for the address of a pod's metrics."""
        return f"http://127.0.0.1:{self.port}/{'canary' if pod.canary else 'others'}/{pod.key.name}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        head = await reader.read(8192)
        if not head:  # the operator ended meanwhile
            writer.close()
            return
        path = head.split()[1].decode()
        part = self.canary if path.startswith("/canary/") else self.others
        self.asked.append(path)
        if not part.silent:
            body = "".join(f"{line}\n" for line in self._lines(part)).encode()
            status = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
            writer.write(status.encode() + body)
            await writer.drain()
        writer.close()

    def _lines(self, part: Part) -> Iterator[str]:
        number = int(part.rate * (time.monotonic() - self.began))
        failed = int(number * part.failing)
        yield "# TYPE milvus_num_node gauge"
        yield 'milvus_num_node{node_id="7",role_name="proxy"} 1'
        yield "# TYPE milvus_proxy_req_count counter"
        for status, value in (("total", number), ("success", number - failed), ("fail", failed)):
            yield f'milvus_proxy_req_count{{function_name="Search",node_id="7",status="{status}"}} {value}'
        yield "# TYPE milvus_proxy_sq_latency histogram"
        name, labels = "milvus_proxy_sq_latency", 'node_id="7",query_type="search"'
        for bound in (*_BOUNDS, "+Inf"):
            value = number - failed if part.ms <= float(bound) else 0
            yield f'{name}_bucket{{{labels},le="{bound}"}} {value}'
        yield f"{name}_sum{{{labels}}} {number * part.ms}"
        yield f"{name}_count{{{labels}}} {number - failed}"


@asynccontextmanager
async def metered() -> AsyncIterator[Meters]:
    """Serve while the block lasts."""
    meters = Meters()
    server = await asyncio.start_server(meters.answer, "127.0.0.1", 0)
    meters.port = server.sockets[0].getsockname()[1]
    try:
        yield meters
    finally:
        server.close()
