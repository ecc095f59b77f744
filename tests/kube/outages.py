"""An etcd that forgets, and an API server that comes back."""

import asyncio

import httpx2
from lab.api import ApiLab

from glede.kube.errors import ApiError
from glede.kube.objects import CONFIG_MAP
from glede.kube.transport import Selection, Transport
from lab import daemons


def etcd_of(api: ApiLab) -> str:
    """Give the address of the lab's etcd."""
    arguments = daemons.one(api.places, "etcd").arguments
    return next(one for one in arguments if one.startswith("--listen-client-urls=")).partition("=")[2]


def compact(api: ApiLab) -> None:
    """Let etcd forget all that was before."""
    etcd = etcd_of(api)
    answer = httpx2.post(f"{etcd}/v3/kv/range", json={"key": "AA=="}, trust_env=False)
    revision = answer.raise_for_status().json()["header"]["revision"]
    httpx2.post(
        f"{etcd}/v3/kv/compaction", json={"revision": revision, "physical": True}, trust_env=False
    ).raise_for_status()


async def until_served(transport: Transport, namespace: str) -> None:
    while True:
        try:
            await transport.list(CONFIG_MAP, Selection(namespace), limit=1)
        except ApiError:
            await asyncio.sleep(0.1)
        else:
            return
