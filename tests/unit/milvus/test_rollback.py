"""The manifest of before: kept without credentials, followed where its successor failed."""

import json
from typing import Any

import pytest
from tests.unit.milvus.manifests import manifest

from glede.api.milvus.convert import read_milvus
from glede.api.milvus.spec import Milvus
from glede.milvus.rollback import earlier, effective, is_back, kept, may_go_back
from glede.milvus.versions import parse_version

GOOD: dict[str, Any] = {
    "mode": "cluster",
    "components": {"image": "milvusdb/milvus:v2.3.4", "proxy": {"replicas": 2}},
    "config": {
        "etcd": {"auth": {"password": "p-etcd"}},
        "credential": {"one": {"text": "p-credential"}},
        "proxy": {"maxNameLength": 255},
    },
    "dependencies": {"storage": {"inCluster": {"values": {"accessKey": "p-key", "secretKey": "p-secret"}}}},
}
SECRETS = ("p-etcd", "p-credential", "p-key", "p-secret")


def _milvus(spec: dict[str, Any], generation: int = 1, status: dict[str, Any] | None = None) -> Milvus:
    obj = manifest(spec, uid="uid-1", generation=generation, finalizers=["a/b"])
    return read_milvus({**obj, "status": status or {}})


def _edited(spec: dict[str, Any], **status: Any) -> Milvus:
    """Give what a good Milvus is edited to; it was served by 2.3.4."""
    usual = {"lastHealthy": kept(_milvus(GOOD)), "currentVersion": "2.3.4"}
    return _milvus(spec, 2, {**usual, **status})


def _bad(**components: Any) -> dict[str, Any]:
    return {**GOOD, "components": {**GOOD["components"], "image": "milvusdb/milvus:v2.3.5", **components}}


BACK = {"rolledBack": {"generation": 2, "reason": "proxy: ErrImagePull"}}


def test_no_credential_is_kept_and_each_comes_back_from_the_manifest_of_now() -> None:
    text = json.dumps(kept(_milvus(GOOD)))
    assert not [secret for secret in SECRETS if secret in text]
    followed = effective(_edited(_bad(proxy={"replicas": 9}), **BACK))
    assert followed.spec == _milvus(GOOD).spec
    assert (followed.metadata.generation, followed.metadata.uid) == (1, "uid-1")
    assert followed.metadata.finalizers == ["a/b"]


def test_a_manifest_is_followed_until_it_has_failed() -> None:
    edited = _edited(_bad())
    assert not is_back(edited)
    assert effective(edited) is edited


def test_a_deletion_follows_its_own_manifest() -> None:
    """Whoever wrote last that the volumes stay must not lose them by an earlier manifest."""
    edited = _edited(_bad(), **BACK)
    metadata = edited.metadata.model_copy(update={"deletion_timestamp": "2026-11-25T00:00:00Z"})
    deleted = edited.model_copy(update={"metadata": metadata})
    assert effective(deleted) is deleted


def test_an_edit_ends_it() -> None:
    corrected = _edited(_bad(), rolledBack={"generation": 1, "reason": "an older one"})
    assert not is_back(corrected)
    assert effective(corrected) is corrected


@pytest.mark.parametrize(
    "last",
    [
        None,
        {},
        {"generation": 2, "spec": "{}", "credentials": []},
        {"generation": 1, "spec": "{", "credentials": []},
        {"generation": 1, "spec": '{"mode": "swarm"}', "credentials": []},
        {"generation": 1, "spec": "{}", "credentials": ["config.minio.secretAccessKey"]},
        {"generation": 1},
    ],
    ids=["none", "empty", "itself", "no JSON", "unreadable", "a credential is gone", "no spec"],
)
def test_without_a_whole_manifest_of_before_its_own_is_followed(last: dict[str, Any] | None) -> None:
    edited = _edited(_bad(), lastHealthy=last, **BACK)
    assert earlier(edited) is None
    assert effective(edited) is edited
    assert not may_go_back(_edited(_bad(), lastHealthy=last), parse_version("2.3.5", None), ())


@pytest.mark.parametrize(
    ("to", "ran", "may"),
    [
        ("2.3.5", {"proxy": "milvusdb/milvus:v2.3.5"}, True),
        ("2.4.1", {}, True),
        ("2.4.1", {"proxy": "milvusdb/milvus:v2.3.4", "querynode": "pinned"}, True),
        ("2.4.1", {"proxy": "milvusdb/milvus:v2.3.4", "querynode": "milvusdb/milvus:v2.4.1"}, False),
        # Neither the one of now nor the one of before: an earlier try, which failed too.
        ("2.4.1", {"indexnode": "milvusdb/milvus:v2.4.0"}, False),
    ],
)
def test_between_lines_it_goes_back_only_before_anything_has_run_the_new_one(
    to: str, ran: dict[str, str], may: bool
) -> None:
    good = {**GOOD, "components": {**GOOD["components"], "queryNode": {"image": "pinned"}}}
    edited = _edited(_bad(), lastHealthy=kept(_milvus(good)))
    assert may_go_back(edited, parse_version(to, None), ran.items()) == may


def test_it_goes_back_once_and_only_where_that_is_wanted() -> None:
    assert not may_go_back(_edited(_bad(), **BACK), parse_version("2.3.5", None), ())
    unwanted = _edited(_bad(rollout={"rollback": False}))
    assert not may_go_back(unwanted, parse_version("2.3.5", None), ())
