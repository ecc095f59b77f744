"""The cluster that is measured on: a real API server, nodes that kwok plays, a real etcd and a real MinIO."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
from lab.api import ApiLab, api_lab
from lab.binaries import find_binary
from lab.certificates import Authority
from lab.cluster import apply
from lab.controlplane import free_ports
from lab.daemons import wait_for
from lab.kubeconfig import write_kubeconfig

from glede.api.milvus.schema import definitions
from glede.kube.http import HttpTransport
from glede.kube.objects import CRD, Key, Object
from glede.milvus.kinds import MILVUS
from lab import daemons

NAMESPACE = "bench"
OPERATOR = "glede-operator"
IMAGE = "milvusdb/milvus:v2.3.5"
NODES = 20  # of 32 processors each, of which a standalone asks for half a one
SECRET = "store"  # noqa: S105 - the name of a Secret
START_SECONDS = 30.0
_ROOT = ("bench-admin", "bench-secret")


@dataclass(frozen=True, slots=True)
class World:
    """A running cluster. ``operator`` is the kubeconfig of a user of its own, for the audit log."""

    lab: ApiLab
    operator: Path
    etcd: str
    store: str

    def manifest(self, name: str) -> Object:
        """Give a standalone Milvus with keys and a bucket of its own."""
        dependencies = {
            "msgStreamType": "rocksmq",
            "etcd": {"external": True, "endpoints": [self.etcd]},
            "storage": {"external": True, "type": "MinIO", "endpoint": self.store, "secretRef": SECRET},
        }
        return {
            "apiVersion": MILVUS.api_version,
            "kind": MILVUS.kind,
            "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": {
                "mode": "standalone",
                "components": {"image": IMAGE},
                "dependencies": dependencies,
                "config": {"etcd": {"rootPath": name}, "minio": {"bucketName": name}},
            },
        }


@contextmanager
def running_world() -> Iterator[World]:
    """Run a world while the block lasts. Raises LabError where a part of it does not start."""
    with api_lab() as lab:
        lab.add_fake_nodes([f"fake-{number}" for number in range(NODES)])
        apply(lab.client(), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        keys = {"accesskey": _ROOT[0], "secretkey": _ROOT[1]}
        metadata = {"name": SECRET, "namespace": NAMESPACE}
        apply(lab.client(), {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": keys})
        yield World(lab, _kubeconfig(lab), _start_etcd(lab), _start_minio(lab))


async def install(transport: HttpTransport) -> None:
    """Install the definitions of Milvus's kinds, and wait until they are served."""
    for body in definitions():
        key = Key("", body["metadata"]["name"])
        await transport.apply(CRD, key, body)
        for _ in wait_for(f"{key.name} served", START_SECONDS):
            conditions = (await transport.get(CRD, key)).get("status", {}).get("conditions") or []
            if {"Established": "True"} in [{c["type"]: c["status"]} for c in conditions]:
                break


def _kubeconfig(lab: ApiLab) -> Path:
    authority = Authority(lab.places.pki)
    pair = authority.issue(OPERATOR, OPERATOR, ["system:masters"])
    path = lab.places.root / f"{OPERATOR}.kubeconfig"
    return write_kubeconfig(path, lab.server, authority.pair.certificate, pair)


def _start_etcd(lab: ApiLab) -> str:
    port, peer = free_ports(2)
    url, peers = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer}"
    flags = {
        "data-dir": lab.places.root / "milvus-etcd",
        "listen-client-urls": url,
        "advertise-client-urls": url,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"default={peers}",
        "unsafe-no-fsync": "true",
    }
    _start(lab, "etcd", [f"--{name}={value}" for name, value in flags.items()], f"{url}/health")
    return f"127.0.0.1:{port}"


def _start_minio(lab: ApiLab) -> str:
    address = f"127.0.0.1:{free_ports(1)[0]}"
    env = {"MINIO_ROOT_USER": _ROOT[0], "MINIO_ROOT_PASSWORD": _ROOT[1], "MINIO_BROWSER": "off"}
    arguments = ["server", str(lab.places.root / "milvus-minio"), "--address", address, "--quiet"]
    _start(lab, "minio", arguments, f"http://{address}/minio/health/cluster/read", env)
    return address


def _start(
    lab: ApiLab, program: str, arguments: Sequence[str], healthy: str, env: Mapping[str, str] | None = None
) -> None:
    name = f"milvus-{program}"
    words: list[str | Path] = [find_binary(program), *arguments]
    daemon = daemons.start(lab.places, name, words, env=env, with_parent=True)
    for _ in wait_for(f"{name} healthy", START_SECONDS):
        daemons.check(lab.places, daemon)
        try:
            if httpx2.get(healthy, timeout=2, trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.TransportError:
            continue
