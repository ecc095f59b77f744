"""An operator as a process of its own, which stalls where it is told to.

    python -m tests.kube.matrix.replica KUBECONFIG NAMESPACE

It says ``leading`` when it leads. After the first line of its input, it says ``stalled`` with the answer to
its next write of a ConfigMap, and then does nothing at all, not even keep its lease, until the next line.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from tests.kube.faulty import FaultyTransport, Request
from tests.kube.operators import TOOL_IMAGE

from glede.kube.http import HttpTransport
from glede.kube.metrics import Metrics
from glede.kube.objects import CONFIG_MAP
from glede.kube.transport import Transport
from glede.milvus.kinds import MANAGER
from glede.milvus.operator import Options, build

T = TypeVar("T")


class Stalling(FaultyTransport):
    """Blocks the whole process once."""

    def __init__(self, inner: Transport) -> None:
        super().__init__(inner)
        self.armed = False

    async def _pass(self, request: Request, send: Callable[[], Awaitable[T]]) -> T:
        answer = await super()._pass(request, send)
        if self.armed and (request.verb, request.plural) == ("apply", CONFIG_MAP.plural):
            self.armed = False
            say("stalled")
            sys.stdin.readline()
        return answer


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def main(kubeconfig: str, namespace: str) -> None:
    """Run until it loses its lease, or is stopped."""
    own = HttpTransport.connect(Path(kubeconfig), manager=MANAGER)
    transport = Stalling(own)
    options = Options((namespace,), namespace, host="127.0.0.1", port=0, tool_image=TOOL_IMAGE)
    manager = await build(options, transport, Metrics())

    async def obey() -> None:
        while not manager._leading:  # noqa: ASYNC110 - the lease is asked for
            await asyncio.sleep(0.05)
        say("leading")
        await asyncio.to_thread(sys.stdin.readline)
        transport.armed = True

    task = asyncio.create_task(obey())
    try:
        await manager.run()
    finally:
        task.cancel()
        await own.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
