"""A small operator: beside each ConfigMap with the label ``kite`` it keeps another, its nest.

As a program it runs until SIGTERM: ``python -m tests.kube.toy KUBECONFIG NAMESPACE IDENTITY``.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.kube.live import QUICK, connected

from glede.kube.controller import Controller
from glede.kube.informer import Informer
from glede.kube.leader import Timings
from glede.kube.logs import configure
from glede.kube.manager import Manager, Settings
from glede.kube.objects import CONFIG_MAP, Key, Object
from glede.kube.queue import WorkQueue
from glede.kube.transport import Selection, Transport

# So long that a replica gets a lease that was not released only after the test's own time-out.
SLOW = Timings(lease=600, renew=400, retry=0.2)
log = logging.getLogger(__name__)

HOST = "127.0.0.1"


def nest_of(key: Key) -> Key:
    return Key(key.namespace, f"{key.name}-nest")


def data_of(obj: Object) -> dict[str, str]:
    return obj.get("data") or {}


class Nests:
    """Reconciles nests. A kite's data say how: ``seconds`` a pass takes, ``failures`` before it succeeds."""

    def __init__(self, transport: Transport, informer: Informer[dict[str, str]], identity: str) -> None:
        self.begun: list[Key] = []
        self._transport = transport
        self._kites = informer.store
        self._identity = identity

    async def reconcile(self, key: Key) -> float | None:
        self.begun.append(key)
        log.info("begun")
        wish = self._kites.get(key)
        if wish is None:
            return None
        await asyncio.sleep(float(wish.get("seconds", "0")))
        if self.begun.count(key) <= int(wish.get("failures", "0")):
            raise RuntimeError("the wind took it")
        nest = nest_of(key)
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": nest._asdict(),
            "data": {"by": self._identity, "colour": wish.get("colour", "red")},
        }
        await self._transport.apply(CONFIG_MAP, nest, body)
        return None


class Toy:
    """A manager of nests in one namespace, with its parts for tests to look at."""

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        identity: str,
        *,
        timings: Timings = SLOW,
        grace: float = 20.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        selection = Selection(namespace, labels="kite")
        self.lease = Key(namespace, "toy")
        self.informer = Informer(transport, CONFIG_MAP, selection, data_of, clock=clock)
        self.informer.pace = QUICK
        self.nests = Nests(transport, self.informer, identity)
        self.queue = WorkQueue()
        self.manager = Manager(
            transport, Settings(self.lease, "toy", identity, HOST, 0, grace=grace, timings=timings)
        )
        self.informer.add_handler(
            lambda event, key, _old, _new: self.queue.add(key, urgent=event != "SYNC"),
        )
        self.manager.add_informer(self.informer)
        self.manager.add_controller(
            Controller("Kite", self.queue, self.nests, workers=3, metrics=self.manager.metrics)
        )


async def main(kubeconfig: str, namespace: str, identity: str) -> None:
    async with connected(Path(kubeconfig)) as transport:
        await Toy(transport, namespace, identity).manager.run()


if __name__ == "__main__":
    configure()
    asyncio.run(main(*sys.argv[1:]))
