"""The operator's chart agrees with the program, with its schema and with its own pages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import glede

CHART = Path(__file__).parents[3] / "charts/glede"


def loaded(name: str) -> Any:
    return yaml.safe_load((CHART / name).read_text())


def leaves(values: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def in_schema(schema: dict[str, Any], path: str) -> bool:
    node = schema
    for name in path.split("."):
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
        properties = node.get("properties", {})
        if name not in properties:
            return isinstance(node.get("additionalProperties"), dict)
        node = properties[name]
    return True


def test_chart_and_program_have_one_version() -> None:
    chart = loaded("Chart.yaml")
    assert chart["version"] == chart["appVersion"] == glede.__version__
    images = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert {image["image"].rpartition(":")[2] for image in images} == {glede.__version__}


def test_the_images_are_those_that_the_page_of_the_chart_lists() -> None:
    values, chart = loaded("values.yaml"), loaded("Chart.yaml")
    used = {values["image"]["repository"]}
    listed = yaml.safe_load(chart["annotations"]["artifacthub.io/images"])
    assert {image["image"].rpartition(":")[0] for image in listed} == used


def test_the_kinds_on_the_chart_s_page_are_those_it_installs() -> None:
    listed = yaml.safe_load(loaded("Chart.yaml")["annotations"]["artifacthub.io/crds"])
    files = {path.stem.removeprefix("crd-") for path in (CHART / "templates").glob("crd-*.yaml")}
    assert {f"{name}.milvus.io" for name in files} == {crd["name"] for crd in listed}


def test_every_value_is_in_the_schema_and_in_the_readme() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    readme = (CHART / "README.md").read_text()
    for path, _ in leaves(loaded("values.yaml")):
        assert in_schema(schema, path), path
        assert f"`{path}`" in readme, path


def test_the_readme_tells_the_defaults() -> None:
    rows = dict(
        line.strip("| ").split(" | ")[:2]
        for line in (CHART / "README.md").read_text().splitlines()
        if line.startswith("| `")
    )
    for path, value in leaves(loaded("values.yaml")):
        told = rows[f"`{path}`"].strip("`")
        assert yaml.safe_load(told) == value, path
    assert len(rows) == len(list(leaves(loaded("values.yaml"))))
