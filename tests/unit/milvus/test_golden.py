"""The examples as they are rendered. After a wanted change: GLEDE_GOLDEN=write, and read the difference."""

import copy
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from glede.api.milvus.convert import read_milvus
from glede.api.milvus.spec import Milvus
from glede.milvus.desired import desired
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.references import secrets_named
from glede.milvus.resolve import resolve
from glede.milvus.resolved import Object

EXAMPLES = Path(__file__).parents[3] / "examples" / "milvus"
GOLDEN = Path(__file__).parent / "golden"
MANIFESTS = sorted(path.stem for path in EXAMPLES.glob("*.yaml"))
MOST_BYTES = 42_000
LONG = 80


def read(name: str) -> Milvus:
    document = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    document["metadata"] |= {"namespace": "default", "uid": "00000000-0000-0000-0000-000000000000"}
    return read_milvus(document)


def facts_of(milvus: Milvus) -> Facts:
    keys = frozenset({"accesskey", "secretkey", "username", "password"})
    secrets = {name: SecretFacts(keys, f"digest-of-{name}") for name in secrets_named(milvus)}
    return Facts(nodes=3, zones=3, tool_image="glede:golden", pod_monitors=True, secrets=secrets)


def objects(name: str) -> tuple[Object, ...]:
    milvus = read(name)
    return desired(resolve(milvus, facts_of(milvus))).objects


def shortened(value: Any, seen: dict[str, Any]) -> Any:
    """Let equal parts be one, so that each is written once, and a change of it is seen once."""
    if isinstance(value, dict):
        value = {name: shortened(child, seen) for name, child in value.items()}
    elif isinstance(value, list | tuple):
        value = [shortened(child, seen) for child in value]
    else:
        return value
    key = json.dumps(value)
    return seen.setdefault(key, value) if len(key) > LONG else copy.copy(value)


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_is_rendered_as_before(name: str) -> None:
    text = yaml.safe_dump(shortened(objects(name), {}), sort_keys=False, width=110, default_flow_style=None)
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("GLEDE_GOLDEN") == "write":
        golden.write_text(text, encoding="utf-8")

    assert len(text) < MOST_BYTES
    assert golden.exists(), f"{golden.name} is missing: write it with GLEDE_GOLDEN=write"
    assert golden.read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", MANIFESTS)
def test_an_example_has_no_fault(name: str) -> None:
    milvus = read(name)

    assert list(milvus.unknown()) == []
    assert resolve(milvus, facts_of(milvus)).problems == ()


def test_each_golden_file_has_its_example() -> None:
    assert {path.stem for path in GOLDEN.glob("*.yaml")} == set(MANIFESTS)
    assert len(MANIFESTS) >= 12
