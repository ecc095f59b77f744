"""What an operator of an earlier day left in a cluster: recorded once, put back for today's one to find.

    python -m tests.kube.matrix.past        # records what the operator of this commit leaves

Of each object the record has what the operator applied, and not what others add to it: applied again by the
same manager, it has the same owner of the same fields. Uids of a Milvus, which are new each time, stand as
``uid of NAME``.
"""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab.api import api_lab
from tests.kube.matrix.chronicle import NAMESPACE, OWNED, Chronicle, following
from tests.kube.matrix.ends import settled
from tests.kube.matrix.keeper import kept
from tests.kube.matrix.lives import make_volume
from tests.kube.matrix.manifests import NAME, ONE, STANDALONE, TWO, everything, milvus
from tests.kube.operators import install_definitions

import glede
from glede.kube.fields import applied_fields, owned_part
from glede.kube.http import HttpTransport
from glede.kube.objects import CONFIG_MAP, SECRET, Key, Object, key_of, uid_of
from glede.kube.transport import Selection
from glede.milvus.kinds import MANAGER, MILVUS, RESOURCES
from glede.milvus.labels import MILVUS_LABEL

FILE = Path(__file__).with_name("past.json")
# Settings name the namespace, and pods carry their digest.
PLACE = "past"
CLUSTER_NAME = "red-kite"
NAMES = (NAME, CLUSTER_NAME)
TOOL_IMAGE = "ghcr.io/glede/glede-operator:past"
_QUIET_SECONDS = 8.0


def rich() -> Object:
    """Give the spec of a cluster that uses much of what a manifest can say."""
    spec = everything()
    spec["components"] |= {
        "queryNode": {"groups": [{"name": name, "replicas": 1} for name in ("east", "west")]},
        "mixCoord": TWO,
        "cdc": ONE,
        "env": [{"name": "TZ", "value": "Europe/Berlin"}],
        "podLabels": {"birds.example/kind": "kite"},
        "podAnnotations": {"birds.example/of": "prey"},
        "tolerations": [{"key": "birds.example/only", "operator": "Exists"}],
        "dataNode": {**TWO, "resources": {"limits": {"cpu": "2", "memory": "4Gi"}}},
    }
    spec["config"] |= {"log": {"level": "warn"}, "proxy": {"maxNameLength": 128}, "dataNode": {"x": {"y": 1}}}
    return spec


def alone() -> Object:
    """Give the spec of a standalone that names no image: it stays at the default that it was made with."""
    spec = json.loads(json.dumps(STANDALONE.first))
    del spec["components"]["image"]
    found: Object = spec
    return found


def credentials(name: str) -> Object:
    """Give the keys of an object store, which the operator would make up."""
    data = {key: base64.b64encode(b"of-a-test").decode() for key in ("accesskey", "secretkey")}
    labels = {MILVUS_LABEL: name}
    metadata = {"name": f"{name}-minio", "namespace": PLACE, "labels": labels}
    return {"apiVersion": "v1", "kind": SECRET.kind, "metadata": metadata, "type": "Opaque", "data": data}


async def prepare(chronicle: Chronicle) -> None:
    """Make the place: its namespace, the volumes, and the keys."""
    await chronicle.user.create(
        NAMESPACE, {"apiVersion": "v1", "kind": NAMESPACE.kind, "metadata": {"name": PLACE}}
    )
    for claim in (f"{NAME}-data", *(f"data-{name}-etcd-0" for name in NAMES)):
        await make_volume(chronicle, PLACE, claim)
    for name in NAMES:
        await chronicle.user.create(SECRET, credentials(name))


async def record(kubeconfig: Path) -> Object:
    """Let the operator make both, and give what it leaves."""
    async with following(kubeconfig) as chronicle:
        await prepare(chronicle)
        async with kept(chronicle, PLACE, tool_image=TOOL_IMAGE):
            for name, spec in ((NAME, alone()), (CLUSTER_NAME, rich())):
                await chronicle.user.apply(MILVUS, Key(PLACE, name), milvus(PLACE, spec, name))
            for name in NAMES:
                await chronicle.until(PLACE, lambda now, name=name: settled(now, name))  # type: ignore[misc]
            await chronicle.silence(PLACE, _QUIET_SECONDS)
            return await _taken(chronicle)


async def _taken(chronicle: Chronicle) -> Object:
    milvuses = [await chronicle.user.get(MILVUS, Key(PLACE, name)) for name in NAMES]
    objects = []
    for resource in (*OWNED, SECRET):
        page = await chronicle.user.list(resource, Selection(PLACE, MILVUS_LABEL))
        for obj in page.items:
            if fields := applied_fields(obj, MANAGER):
                part = owned_part(obj, fields)
                key = key_of(obj)._asdict()
                objects.append({**part, "kind": obj["kind"], "metadata": {**part.get("metadata", {}), **key}})
    kept_of = [
        {
            "name": one["metadata"]["name"],
            "finalizers": one["metadata"].get("finalizers", []),
            "spec": one["spec"],
            "status": one["status"],
        }
        for one in milvuses
    ]
    text = json.dumps({"glede": glede.__version__, "milvuses": kept_of, "objects": objects})
    for one in milvuses:
        text = text.replace(uid_of(one), f"uid of {one['metadata']['name']}")
    found: Object = json.loads(text)
    return found


def written(past: Object) -> Iterator[str]:
    """Give the record as text, an object to a line."""
    yield f'{{"glede": {json.dumps(past["glede"])},'
    for name, end in (("milvuses", ","), ("objects", "}")):
        lines = [json.dumps(one, sort_keys=True, separators=(",", ":")) for one in past[name]]
        yield f'"{name}": [\n' + ",\n".join(lines) + f"\n]{end}"


async def put_back(chronicle: Chronicle) -> None:
    """Put the record into a cluster, as if the operator of then had just ended."""
    await prepare(chronicle)
    text, user = FILE.read_text(), chronicle.user
    specs = {one["name"]: one["spec"] for one in json.loads(text)["milvuses"]}
    for name, spec in specs.items():
        made = await user.create(MILVUS, milvus(PLACE, spec, name))
        text = text.replace(f"uid of {name}", uid_of(made))
    past = json.loads(text)
    operator = HttpTransport.connect(chronicle.kubeconfig, manager=MANAGER)
    try:
        for one in past["milvuses"]:
            await _put_back_milvus(operator, one)
        # What pods read is there before them.
        for obj in sorted(past["objects"], key=lambda obj: bool(obj["kind"] != CONFIG_MAP.kind)):
            resource = RESOURCES[obj["kind"]]
            await operator.apply(resource, key_of(obj), {**obj, "apiVersion": resource.api_version})
    finally:
        await operator.aclose()


async def _put_back_milvus(operator: HttpTransport, one: Object) -> None:
    key = Key(PLACE, one["name"])
    body: dict[str, Any] = {"apiVersion": MILVUS.api_version, "kind": MILVUS.kind}
    await operator.apply(
        MILVUS, key, {**body, "metadata": {**key._asdict(), "finalizers": one["finalizers"]}}
    )
    whole = {**body, "metadata": key._asdict(), "status": one["status"]}
    await operator.apply(MILVUS, key, whole, subresource="status")


def main() -> None:
    """Record."""
    with api_lab() as lab:
        asyncio.run(install_definitions(lab.kubeconfig))
        lab.add_fake_nodes(["past-0", "past-1", "past-2"])
        past = asyncio.run(record(lab.kubeconfig))
    FILE.write_text("\n".join(written(past)) + "\n")


if __name__ == "__main__":
    main()
