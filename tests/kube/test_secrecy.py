"""Credentials stay in Secrets, and pods keep the rules of the restricted Pod Security level."""

import asyncio
import base64
import json
import logging
import secrets as random_secrets
from typing import Any

import pytest
from lab.api import ApiLab
from lab.cluster import apply
from lab.fixtures import a_namespace
from lightkube import Client
from tests.kube.operators import Bench, connected, install_definitions, operating

from glede.kube import objects
from glede.kube.errors import ApiError
from glede.kube.objects import Key, Object

IMAGE = "milvusdb/milvus:v2.3.5"
EPHEMERAL = {"inCluster": {"values": {"persistence": {"enabled": False}}}}


def _planted() -> str:
    return f"planted-{random_secrets.token_hex(8)}"


def _manifest(spec: dict[str, Any]) -> Object:
    return {"apiVersion": "milvus.io/v1beta1", "kind": "Milvus", "metadata": {"name": "kite"}, "spec": spec}


def _secret(name: str, **data: str) -> Object:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "data": encoded}


def test_no_planted_credential_leaves_its_secret(
    api: ApiLab, kube: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    planted = {name: _planted() for name in ("access", "key", "user", "password", "setting")}
    apply(kube, _secret("store", accesskey=planted["access"], secretkey=planted["key"]), kube.namespace)
    apply(kube, _secret("log", username=planted["user"], password=planted["password"]), kube.namespace)
    # Nobody answers at these addresses: failures are told too, and must not tell more.
    spec = {
        "mode": "cluster",
        "components": {"image": IMAGE},
        "config": {"etcd": {"auth": {"enabled": True, "userName": "u", "password": planted["setting"]}}},
        "dependencies": {
            "etcd": {"external": True, "endpoints": ["127.0.0.1:1"]},
            "storage": {"external": True, "type": "S3", "endpoint": "127.0.0.1:1", "secretRef": "store"},
            "msgStreamType": "kafka",
            "kafka": {"external": True, "brokerList": ["127.0.0.1:1"], "secretRef": "log"},
        },
    }
    told = asyncio.run(_told(api, kube.namespace, spec))
    told["logs"] = caplog.text
    for place, text in told.items():
        assert text, place
        for name, value in planted.items():
            assert value not in text, f"{name} in {place}"
            assert base64.b64encode(value.encode()).decode() not in text, f"{name}, encoded, in {place}"


async def _told(api: ApiLab, namespace: str, spec: dict[str, Any]) -> dict[str, str]:
    """Run the operator until it has told of the dependencies; give all that it wrote but Secrets."""
    await install_definitions(api.kubeconfig)
    async with connected(api.kubeconfig, namespace) as bench:
        async with operating(bench.faulty, namespace, wide=False):
            await bench.write(_manifest(spec))

            def answered(found: Object) -> bool:
                conditions = {c["type"]: c["status"] for c in found.get("status", {}).get("conditions", [])}
                return {conditions.get(t) for t in ("EtcdReady", "StorageReady", "MsgStreamReady")} == {
                    "False"
                }

            found = await bench.until("all three are told to be down", answered, "kite")
        kinds = (objects.CONFIG_MAP, objects.SERVICE, objects.NETWORK_POLICY, objects.EVENT, objects.POD)
        told = {kind.plural: json.dumps(await bench.all(kind)) for kind in kinds}
        return told | {"status": json.dumps(found["status"])}


@pytest.mark.usefixtures("kube")
def test_pods_keep_the_restricted_level(api: ApiLab) -> None:
    with a_namespace(api.client()) as namespace:
        labels = {"pod-security.kubernetes.io/enforce": "restricted"}
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        apply(api.client(), body)
        asyncio.run(_restricted(api, namespace))


async def _restricted(api: ApiLab, namespace: str) -> None:
    await install_definitions(api.kubeconfig)
    api.add_fake_nodes(["node-1", "node-2", "node-3"])
    spec = {
        "mode": "cluster",
        "components": {"image": IMAGE, "runAsNonRoot": True},
        "dependencies": {"etcd": EPHEMERAL, "storage": EPHEMERAL, "kafka": EPHEMERAL},
    }
    async with connected(api.kubeconfig, namespace) as bench:
        async with operating(bench.faulty, namespace):
            await bench.write(_manifest(spec))
            await bench.healthy("kite")
        await _refuses_a_root_pod(bench)


async def _refuses_a_root_pod(bench: Bench) -> None:
    """Show that the level is enforced at all."""
    container = {"name": "main", "image": IMAGE, "securityContext": {"privileged": True}}
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "root", "namespace": bench.namespace},
        "spec": {"containers": [container]},
    }
    with pytest.raises(ApiError, match="restricted"):
        await bench.user.apply(objects.POD, Key(bench.namespace, "root"), body)
