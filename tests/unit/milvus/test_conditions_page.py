"""docs/operator/conditions.md names what there is, and nothing else."""

import ast
import re
from pathlib import Path

from glede.api.milvus.schema import milvuses

REPOSITORY = Path(__file__).parents[3]
PAGE = (REPOSITORY / "docs" / "operator" / "conditions.md").read_text(encoding="utf-8")
SOURCE = REPOSITORY / "src" / "glede"
# Made of a dependency's name and what became of it (observed.dependency_state).
MADE_UP = {f"{name}{what}" for name in ("Etcd", "Storage", "MsgStream") for what in ("Ready", "NotReady")}


def literals() -> set[str]:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py"))
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def cells(text: str, column: int) -> set[str]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    return {name for row in rows[2:] for name in re.findall(r"`([A-Za-z]+)(?:\[\])?`", row[column])}


def test_every_condition_and_reason_of_the_page_is_in_the_code() -> None:
    found = cells(section("Conditions"), 0) | cells(section("Conditions"), 2)

    assert len(found) > 40
    assert found - MADE_UP <= literals()


def test_every_field_of_the_status_is_on_the_page() -> None:
    schema = milvuses()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    fields = schema["properties"]["status"]["properties"]

    assert cells(section("Fields of the status"), 0) == set(fields)
