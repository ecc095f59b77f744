"""The rendered examples against a real API server: it takes every field, and finds nothing to change."""

from pathlib import Path

import pytest
import yaml
from lab.api import ApiLab
from lightkube import Client
from tests.kube.live import MANAGER, connected

from glede.api.milvus.convert import read_milvus
from glede.kube.applied import owned_digest, rendered_digest
from glede.kube.objects import key_of
from glede.milvus.desired import desired
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.kinds import RESOURCES
from glede.milvus.references import secrets_named
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Object

pytestmark = pytest.mark.anyio

EXAMPLES = sorted((Path(__file__).parents[2] / "examples" / "milvus").glob("*.yaml"))
KEYS = frozenset({"accesskey", "secretkey", "username", "password"})


def objects(path: Path, namespace: str) -> tuple[Object, ...]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["metadata"] |= {"namespace": namespace, "uid": "0f8e3c1c-0000-4000-8000-000000000001"}
    document["spec"].setdefault("config", {})["etcd"] = {"auth": {"password": "none"}}
    milvus = read_milvus(document)
    secrets = {name: SecretFacts(KEYS, "digest") for name in secrets_named(milvus)}
    return desired(resolve(milvus, Facts(nodes=3, tool_image="glede:1", secrets=secrets))).objects


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_is_taken_strictly_and_without_drift(api: ApiLab, kube: Client, path: Path) -> None:
    async with connected(api.kubeconfig) as transport:
        for obj in objects(path, kube.namespace):
            live = await transport.apply(RESOURCES[obj["kind"]], key_of(obj), obj)
            name = f"{obj['kind']} {obj['metadata']['name']}"
            assert owned_digest(live, MANAGER) == rendered_digest(obj), name
