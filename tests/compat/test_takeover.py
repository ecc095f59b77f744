"""Our definitions take the place of milvus-operator's under objects that are there already."""

import json
from collections.abc import Iterator

import pytest
from lab.api import api_lab
from tests.compat.server import COMPAT, Kubectl, documents, lost, wait_for_definitions

from glede.api.milvus.convert import read_milvus
from glede.api.milvus.schema import definitions


@pytest.fixture
def theirs() -> Iterator[Kubectl]:
    """Give kubectl for an API server with milvus-operator's definitions."""
    with api_lab(managers=False) as lab:
        kubectl = Kubectl(lab.kubeconfig)
        for path in sorted((COMPAT / "crd").glob("*.yaml")):
            kubectl("create", "-f", str(path))
        wait_for_definitions(kubectl)
        yield kubectl


def test_objects_outlive_the_change_of_definitions(theirs: Kubectl) -> None:
    (sample,) = documents(COMPAT / "samples" / "cluster_demo.yaml")
    before = theirs.create(sample)
    status = {
        "status": "Healthy",
        "currentVersion": "2.6.11",
        "conditions": [{"type": "MilvusUpdated", "status": "True", "reason": "MilvusComponentsUpdated"}],
        "rollingModeVersion": 2,
    }
    patch = json.dumps({"status": status})
    theirs("patch", "mi", sample["metadata"]["name"], "--subresource=status", "--type=merge", f"-p={patch}")

    for definition in definitions():
        theirs("apply", "-f", "-", document=definition)
    wait_for_definitions(theirs, '.spec.versions[*].additionalPrinterColumns[?(@.name=="Ready")].name')

    after = json.loads(theirs("get", "mi", sample["metadata"]["name"], "-o", "json"))
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert lost(before["spec"], after["spec"]) == lost(after["spec"], before["spec"]) == []
    assert lost(status, after["status"]) == []
    assert read_milvus(after).spec.components.proxy is not None
    patch = json.dumps({"spec": {"components": {"queryNode": {"hpa": {"maxReplicas": 4}}}}})
    theirs("patch", "mi", sample["metadata"]["name"], "--type=merge", f"-p={patch}")
