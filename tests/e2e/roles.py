"""Which process of a running Milvus plays which role, as it tells itself."""

import asyncio
from collections.abc import Iterable

from lightkube.models.core_v1 import Pod as PodModel
from pymilvus import MilvusClient
from tests.e2e import vectors

from glede.milvus.probe import ProbeTarget
from glede.milvus.sessions import Registry

ETCD_PORT = 2379
CLIENT_SECONDS = 30


def leading(uri: str, collection: str) -> list[str]:
    """Give the roles under which the query nodes that lead a collection's shards are registered."""
    client = MilvusClient(uri, timeout=CLIENT_SECONDS)
    found = vectors.shard_leaders(client, collection)
    client.close()
    return [f"querynode-{number}" for number in sorted(found)]


def address_of(role: str, etcd: Iterable[PodModel], root: str) -> str:
    """Give the address of the process that plays a role, from Milvus's own etcd, below its root path."""
    endpoints = tuple(f"{pod_address(pod)}:{ETCD_PORT}" for pod in etcd)
    target = ProbeTarget("", ("e2e", root), "etcd", "etcd", endpoints)
    sessions = asyncio.run(Registry(target, f"{root}/meta/session/").read())
    return next(session.address for session in sessions if session.role == role)


def pod_address(pod: PodModel) -> str:
    """Give a pod's address; "" while it has none."""
    return str(pod.status.podIP) if pod.status else ""
