"""Every sample of milvus-operator is taken by our definitions, and nothing of it is lost."""

from pathlib import Path

import pytest
from tests.compat.server import COMPAT, Kubectl, documents, lost

from glede.api.milvus.convert import read_milvus

SAMPLES = sorted((COMPAT / "samples").glob("*.yaml"))
# What the samples write that milvus-operator does not know either.
MISTAKES = {"milvus_pulsar_with_authn_jwt_token": ["spec.component"]}


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 20


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_kept_whole_and_understood(kubectl: Kubectl, path: Path) -> None:
    found = documents(path)
    assert found
    for document in found:
        kept = kubectl.create(document)
        assert lost(document.get("spec") or {}, kept.get("spec") or {}) == []
        if document["kind"] == "Milvus":
            assert list(read_milvus(kept).spec.unknown("spec")) == MISTAKES.get(path.stem, [])
