"""Our definitions on a real API server: what it takes, keeps, shows and refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.compat.server import REPOSITORY, Kubectl, documents, lost

from glede.api.milvus.convert import read_milvus
from glede.api.milvus.schema import definitions

EXAMPLES = sorted((REPOSITORY / "examples" / "milvus").glob("*.yaml"))
# The API server refuses annotations above this, and a client-side apply keeps the whole object in one.
MOST_ANNOTATION = 262_144


def milvus(spec: dict[str, Any], version: str = "v1beta1", kind: str = "Milvus") -> dict[str, Any]:
    return {"apiVersion": f"milvus.io/{version}", "kind": kind, "metadata": {"name": "kite"}, "spec": spec}


def test_a_client_side_apply_holds_the_definitions(crds: Kubectl) -> None:
    for definition in definitions():
        live = json.loads(crds("get", "crd", definition["metadata"]["name"], "-o", "json"))
        kept = live["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        assert len(kept) < MOST_ANNOTATION
        assert {"type": "Established", "status": "True"}.items() <= _condition(live, "Established").items()
        assert _condition(live, "NonStructuralSchema") == {}


def _condition(crd: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((found for found in crd["status"]["conditions"] if found["type"] == kind), {})


def test_the_definition_of_milvus_stays_small() -> None:
    sizes = {d["metadata"]["name"]: len(json.dumps(d, separators=(",", ":"))) for d in definitions()}

    assert max(sizes.values()) <= 110_000


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_our_examples_are_kept_whole(kubectl: Kubectl, path: Path) -> None:
    for document in documents(path):
        kept = kubectl.create(document)
        assert lost(document["spec"], kept["spec"]) == []
        assert list(read_milvus(kept).spec.unknown("spec")) == []


def test_nothing_unknown_is_dropped_at_any_level(kubectl: Kubectl) -> None:
    strange = {"strange": [{"deep": 1}]}
    spec = strange | {
        "mode": "cluster",
        "components": strange
        | {
            "proxy": strange | {"ingress": strange, "hpa": {"maxReplicas": 2} | strange},
            "queryNode": {
                "groups": [{"name": "a", "replicas": 1} | strange],
                "env": [{"name": "A"} | strange],
            },
            "affinity": strange,
            "rollout": strange,
        },
        "dependencies": strange | {"etcd": strange | {"inCluster": strange | {"values": strange}}},
        "availability": strange,
    }
    kept = kubectl.create(milvus(spec))

    assert lost(spec, kept["spec"]) == []
    unknown = set(read_milvus(kept).spec.unknown("spec"))
    assert {"spec.strange", "spec.components.proxy.ingress.strange"} <= unknown
    assert "spec.components.queryNode.groups[0].strange" in unknown


def test_the_flat_shape_is_served_and_survives_storage(kubectl: Kubectl) -> None:
    flat = {
        "replicas": 1,
        "image": "milvusdb/milvus:v2.5.16",
        "serviceType": "NodePort",
        "persistence": {"enabled": True},
        "config": {"log": {"level": "debug"}},
    }
    kubectl.create(milvus(flat, "v1alpha1"))

    older = json.loads(kubectl("get", "milvuses.v1alpha1.milvus.io", "kite", "-o", "json"))
    assert lost(flat, older["spec"]) == []
    stored = json.loads(kubectl("get", "mi", "kite", "-o", "json"))
    assert stored["apiVersion"] == "milvus.io/v1beta1"
    read = read_milvus(stored).spec
    assert read.components.image == flat["image"]
    assert read.components.standalone is not None
    assert read.components.standalone.service_type == "NodePort"
    assert read.dependencies.rocksmq.persistence is not None
    assert list(read.unknown("spec")) == []


def test_the_older_cluster_kind_is_served(kubectl: Kubectl) -> None:
    kept = kubectl.create(milvus({"components": {"proxy": {"replicas": 2}}}, "v1alpha1", "MilvusCluster"))

    assert read_milvus(kept).spec.mode == "cluster"
    assert "kite" in kubectl("get", "mc")
    assert "kite" in kubectl("get", "mic")


def test_null_means_absent(kubectl: Kubectl) -> None:
    spec = {
        "mode": None,
        "hookConfig": None,
        "components": {"image": None, "serviceType": None, "proxy": None},
    }
    kept = kubectl.create(milvus(spec))

    assert kept["spec"]["mode"] == "standalone"
    read = read_milvus(kept).spec
    assert (read.hook_config, read.components.image, read.components.proxy) == (None, None, None)


def test_columns_tell_mode_state_pods_and_version(kubectl: Kubectl) -> None:
    kubectl.create(milvus({"mode": "cluster"}))
    status = {
        "status": "Healthy",
        "ready": "9/9",
        "currentVersion": "2.6.18",
        "conditions": [{"type": "MilvusUpdated", "status": "True", "reason": "MilvusComponentsUpdated"}],
    }
    kubectl(
        "patch",
        "milvus",
        "kite",
        "--subresource=status",
        "--type=merge",
        f"-p={json.dumps({'status': status})}",
    )

    header, row = kubectl("get", "milvus", "kite").splitlines()
    assert header.split() == ["NAME", "MODE", "STATUS", "READY", "VERSION", "UPDATED", "AGE"]
    assert row.split()[:-1] == ["kite", "cluster", "Healthy", "9/9", "2.6.18", "True"]


def test_status_keeps_what_the_schema_does_not_list(kubectl: Kubectl) -> None:
    kubectl.create(milvus({}))
    status = {
        "status": "Healthy",
        "later": {"field": [1]},
        "resolved": [{"field": "a", "value": 3, "reason": "b"}],
    }
    kubectl(
        "patch",
        "milvus",
        "kite",
        "--subresource=status",
        "--type=merge",
        f"-p={json.dumps({'status': status})}",
    )

    kept = json.loads(kubectl("get", "milvus", "kite", "-o", "json"))
    assert lost(status, kept["status"]) == []


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"mode": "clustr"}, "spec.mode"),
        ({"components": "none"}, "spec.components"),
        ({"components": {"proxy": {"replicas": -2}}}, "spec.components.proxy.replicas"),
        ({"components": {"queryNode": {"groups": [{"name": "a"}]}}}, "replicas: Required value"),
        (
            {"components": {"proxy": {"hpa": {"minReplicas": 3, "maxReplicas": 2}}}},
            "minReplicas must not be above",
        ),
    ],
)
def test_the_server_itself_refuses_what_cannot_be_meant(
    kubectl: Kubectl, spec: dict[str, Any], words: str
) -> None:
    assert words in kubectl.refusal(milvus(spec))


def test_a_group_is_merged_by_its_name(kubectl: Kubectl) -> None:
    def applied(manager: str, name: str) -> None:
        group = {"name": name, "replicas": 1}
        kubectl(
            "apply",
            "--server-side",
            f"--field-manager={manager}",
            "-f",
            "-",
            document=milvus({"components": {"queryNode": {"groups": [group]}}}),
        )

    applied("one", "zone-a")
    applied("other", "zone-b")

    kept = json.loads(kubectl("get", "mi", "kite", "-o", "json"))
    names = [group["name"] for group in kept["spec"]["components"]["queryNode"]["groups"]]
    assert names == ["zone-a", "zone-b"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("milvus.spec", "The desired Milvus"),
        ("milvus.spec.mode", "a pod for each"),
        ("milvus.spec.components.queryNode", "hold loaded segments"),
        ("milvus.spec.components.queryNode.hpa.maxReplicas", "Most pods"),
        ("milvus.spec.dependencies.storage.secretRef", "accesskey"),
        ("milvus.status.ready", "9/9"),
        ("milvusupgrade.spec.targetVersion", "Version that it is to have"),
    ],
)
def test_kubectl_explains_fields(crds: Kubectl, field: str, words: str) -> None:
    assert words in " ".join(crds("explain", field).split())
