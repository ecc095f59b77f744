"""What a move comes to, decided without a cluster."""

import copy
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from tests.compat.installed import installed
from tests.compat.scene import CLUSTER, PLAIN, ROCKSMQ, STANDALONE
from tests.compat.theirs import WORKER, Theirs

from glede.cli.replacing import slow_to_stop
from glede.kube.fields import applied_fields
from glede.kube.objects import Object
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.manifest import read
from glede.milvus.render.labels import owner_reference
from glede.milvus.takeover import Found, Move, move_of
from glede.milvus.takeover.ownership import handed_over, leaves, status_handed_over
from glede.milvus.takeover.words import lines_of

UID = "uid-of-the-milvus"
SECRETS = {"kite-minio": SecretFacts(frozenset({"accesskey", "secretkey"}), "")}


def _merged(one: Any, other: Any) -> Any:
    if not isinstance(one, dict) or not isinstance(other, dict):
        return other
    return one | {name: _merged(one.get(name), value) for name, value in other.items()}


def found_of(theirs: dict[str, Any], *patches: Object) -> Found:
    """Give what there would be of such a Milvus, the patches laid over it."""
    made = Theirs("vectors", **theirs)
    milvus = _merged(made.manifest(), made.written()) | {"status": made.status()}
    milvus["metadata"]["uid"] = UID
    for patch in patches:
        milvus = _merged(milvus, patch)
    objects = list(made.objects(owner_reference(read(milvus).milvus)))
    deployments = [item for item in objects if item["kind"] == "Deployment"]
    sets = []
    for number, item in enumerate(deployments):
        count = item["spec"]["replicas"]
        item["metadata"]["uid"] = f"uid-{number}"
        item["status"] = dict.fromkeys(("replicas", "updatedReplicas", "availableReplicas"), count)
        metadata = {
            "name": f"{item['metadata']['name']}-5d9c",
            "labels": item["metadata"]["labels"],
            "ownerReferences": [{"uid": f"uid-{number}", "controller": True}],
        }
        spec = {"replicas": count, "template": copy.deepcopy(item["spec"]["template"])}
        sets.append({"kind": "ReplicaSet", "metadata": metadata, "spec": spec})
    return Found(
        milvus=milvus,
        deployments=tuple(deployments),
        replica_sets=tuple(sets),
        others=tuple(item for item in objects if item["kind"] != "Deployment"),
        installed=tuple(item for item in installed(made) if item["kind"] == "StatefulSet"),
        facts=Facts(nodes=3, tool_image="glede", secrets=SECRETS),
    )


def refusals(move: Move) -> list[str]:
    return [f"{problem.field}: {problem.message}" for problem in move.refusals]


def edited(move: Move) -> dict[str, Any]:
    return {edit.field: edit.value for edit in move.edits}


@pytest.mark.parametrize("theirs", [CLUSTER, PLAIN, STANDALONE, ROCKSMQ])
def test_what_runs_stays_as_it_is(theirs: dict[str, Any]) -> None:
    move = move_of(found_of(theirs))
    assert refusals(move) == []
    assert move.resolved is not None
    counts = {workload.component: workload.replicas for workload in move.resolved.workloads}
    assert counts == theirs["counts"]
    assert {w.image for w in move.resolved.workloads} == {theirs["image"]}
    assert all(not w.settings.resources for w in move.resolved.workloads)
    assert not any(dependency.in_cluster for dependency in move.resolved.dependencies)
    assert move.resolved.settings["minio"]["bucketName"] == "kite"
    assert move.resolved.log.type == theirs["log"]


def test_what_milvus_operator_left_out_is_pinned() -> None:
    bare: Object = {"components": {"image": None, "queryNode": {"replicas": None}}}
    dependencies = {
        "msgStreamType": "",
        "etcd": {"endpoints": []},
        "storage": {"endpoint": None, "secretRef": None},
        "pulsar": {"endpoint": None},
    }
    patch = {"spec": {**bare, "dependencies": dependencies}, "status": {"currentImage": ""}}
    move = move_of(found_of(CLUSTER, patch))
    assert refusals(move) == []
    wanted = {
        "components.image": "milvusdb/milvus:v2.6.11",
        "components.queryNode.replicas": 2,
        "components.resources": {},
        "dependencies.msgStreamType": "pulsar",
        "dependencies.pulsar.endpoint": "kite-pulsar-proxy.vectors:6650",
        "dependencies.etcd.endpoints": [f"kite-etcd-{n}.kite-etcd-headless.vectors:2379" for n in range(3)],
        "dependencies.storage.endpoint": "kite-minio.vectors:9000",
        "dependencies.storage.secretRef": "kite-minio",
    }
    assert edited(move).items() >= wanted.items()


def test_a_log_that_goes_with_its_pod_is_flushed_first() -> None:
    found = found_of({**ROCKSMQ, "dependencies": {}})
    [refusal] = refusals(move_of(found))
    assert refusal.startswith("spec.dependencies.rocksmq.persistence: found rocksmq without persistence")
    assert "flush every collection, then add --flushed" in refusal
    move = move_of(found, flushed=True)
    assert refusals(move) == []
    assert "  The log goes with its pod: what is not flushed then is lost." in lines_of(move)


def test_data_are_looked_for_where_they_are() -> None:
    found = found_of(STANDALONE)
    [config] = [item for item in found.others if item["kind"] == "ConfigMap"]
    settings = yaml.safe_load(config["data"]["user.yaml"])
    settings["etcd"]["rootPath"] = "by-dev"
    settings["etcd"]["endpoints"].reverse()
    config["data"]["user.yaml"] = yaml.safe_dump(settings)
    [refusal] = refusals(move_of(found))
    assert refusal.startswith(
        "spec.config.etcd.rootPath: Milvus would look for its data elsewhere: found by-dev"
    )
    config["data"]["user.yaml"] = "{"
    [refusal] = refusals(move_of(found))
    assert refusal.startswith("ConfigMap kite: its user.yaml cannot be read")


def test_a_dependency_that_nobody_can_find_is_refused() -> None:
    found = found_of(PLAIN)
    without = [item for item in found.installed if item["metadata"]["name"] != "kite-etcd"]
    lost = replace(found, installed=tuple(without))
    [refusal] = refusals(move_of(lost))
    assert refusal.startswith("spec.dependencies.etcd.external: is false, and there is no workload")


def test_a_manifest_of_the_old_shape_is_refused() -> None:
    found = found_of(STANDALONE)
    flat = {**found.milvus, "spec": {"image": "milvusdb/milvus:v2.2.9", "replicas": 1}}
    assert refusals(move_of(replace(found, milvus=flat)))[0].startswith("spec.components: found none")


@pytest.mark.parametrize(
    ("patch", "told"),
    [
        ({"metadata": {"annotations": {"milvus.io/pause-reconcile": "true"}}}, "annotation milvus.io/pause"),
        ({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}, "metadata.deletionTimestamp"),
        (
            {"spec": {"components": {"image": "milvusdb/milvus:v2.1.4"}}},
            "spec.components.image: found version 2.1.4",
        ),
        ({"spec": {"mode": "clustre"}}, "spec.mode: "),
        (
            {"spec": {"components": {"mixCoord": {"paused": True}}}},
            "spec.components.mixCoord.paused: is true",
        ),
    ],
)
def test_a_manifest_in_the_way_is_refused(patch: Object, told: str) -> None:
    assert any(refusal.startswith(told) for refusal in refusals(move_of(found_of(PLAIN, patch))))


def test_the_gap_of_a_coordinator_is_told_in_seconds() -> None:
    seconds = {part.workload.component: part.seconds for part in move_of(found_of(PLAIN)).parts}
    assert seconds == {"indexnode": 0, "mixcoord": 60, "querynode": 0, "datanode": 0, "proxy": 0}
    [standalone] = move_of(found_of(ROCKSMQ)).parts
    # Its sleep before it stops, the lease of its session, its start.
    assert standalone.seconds == 30 + 30 + 30
    assert not any(part.seconds for part in move_of(found_of(CLUSTER)).parts)


def test_a_pod_that_does_not_stop_is_told() -> None:
    stopping = {"deletionTimestamp": "2026-01-31T00:02:01Z", "deletionGracePeriodSeconds": 2_592_000}
    pods: list[Object] = [
        {"metadata": {"name": "slow", **stopping}},
        {"metadata": {"name": "quick", **stopping, "deletionTimestamp": "2026-01-31T00:02:30Z"}},
        {"metadata": {"name": "staying"}},
    ]
    now = datetime(2026, 1, 1, 0, 4, 2, tzinfo=UTC)
    assert slow_to_stop(pods, now) == {"slow": 121}


def test_a_component_in_two_deployments_keeps_its_pods_under_one_name() -> None:
    move = move_of(found_of(CLUSTER))
    [rename] = move.renames
    assert rename.old is not None
    assert (rename.name, rename.old["metadata"]["name"]) == (
        "kite-milvus-querynode",
        "kite-milvus-querynode-0",
    )
    spec = rename.body["spec"]
    assert (spec["replicas"], spec["paused"]) == (2, True)
    assert "milvus.io/querynode-group-id" not in spec["selector"]["matchLabels"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] == 2_592_000
    assert [item["metadata"]["name"] for item in move.idle] == [
        "kite-milvus-querynode-1",
        "kite-milvus-standalone",
    ]


def test_what_is_not_rendered_is_not_handed_over_and_so_never_deleted() -> None:
    found = found_of(PLAIN)
    [config] = [item for item in found.others if item["kind"] == "ConfigMap"]
    old = copy.deepcopy(config)
    old["metadata"]["name"] = "kite-of-before"
    move = move_of(replace(found, others=(*found.others, old)))
    assert [item["metadata"]["name"] for item in move.left] == ["kite-of-before"]
    assert "kite-of-before" not in {item["metadata"]["name"] for item in move.hand_over}


def test_no_credential_is_printed() -> None:
    found = found_of(CLUSTER, {"spec": {"config": {"etcd": {"auth": {"password": "QX7-planted"}}}}})
    text = "\n".join(lines_of(move_of(found)))
    assert "minioadmin" not in text
    assert "QX7-planted" not in text
    assert "minio.secretAccessKey goes: pods have it from the Secret, by environment" in text


def test_fields_are_handed_over_and_nobody_elses() -> None:
    theirs = {"f:metadata": {"f:ownerReferences": {".": {}}}, "f:spec": {"f:replicas": {}}}
    told: Object = {"f:status": {"f:replicas": {}}}
    obj = {
        "metadata": {
            "uid": "u",
            "resourceVersion": "7",
            "managedFields": [
                _entry(WORKER, theirs),
                _entry("kubectl-edit", {"f:metadata": {"f:annotations": {}}}),
                _entry("kube-controller-manager", told, subresource="status"),
                _entry(WORKER, told, subresource="scale"),
            ],
        }
    }
    patch = handed_over(obj, "kite")["metadata"]
    assert (patch["uid"], patch["resourceVersion"]) == ("u", "7")
    assert patch["labels"] == {"glede.io/milvus": "kite"}
    assert applied_fields({"metadata": patch}, "glede") == theirs
    assert patch["managedFields"][1:] == obj["metadata"]["managedFields"][1:]


def test_a_status_is_handed_over_with_what_we_told_in_it() -> None:
    finalizer: Object = {"f:metadata": {"f:finalizers": {'v:"milvus.milvus.io/finalizer"': {}}}}
    milvus = {
        "metadata": {
            "managedFields": [
                _entry(WORKER, finalizer),
                {**_entry("glede", {"f:status": {"f:a": {}}}, subresource="status"), "operation": "Apply"},
                _entry(WORKER, {"f:status": {"f:b": {}}}, subresource="status"),
            ]
        }
    }
    entries = status_handed_over(milvus)
    assert entries[0] == milvus["metadata"]["managedFields"][0]
    found = applied_fields({"metadata": {"managedFields": entries}}, "glede", "status")
    assert sorted(leaves(found)) == ["status.a", "status.b"]


def _entry(manager: str, fields: Object, subresource: str = "") -> Object:
    entry = {"manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsV1": fields}
    return entry | ({"subresource": subresource} if subresource else {})
