from pathlib import Path

import pytest
import typer
import yaml
from tests.unit.milvus.rendered import FACTS, milvus
from typer.testing import CliRunner

from glede.cli.explain import explain as command
from glede.milvus.explain import explain
from glede.milvus.facts import Facts

EXAMPLES = Path(__file__).parents[3] / "examples" / "milvus"


def run(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(command)
    done = CliRunner().invoke(app, arguments)
    if done.exception and not isinstance(done.exception, SystemExit):
        return 2, str(done.exception)
    return done.exit_code, done.output


def test_objects_replicas_images_and_reasons_are_told() -> None:
    text = explain(milvus(), FACTS)

    assert "Milvus birds/kite\n  mode cluster, version 2.6.18, image milvusdb/milvus:v2.6.18\n" in text
    assert "  log: woodpecker within Milvus\n" in text
    assert "  Deployment kite-milvus-querynode: 3 pods, milvusdb/milvus:v2.6.18\n" in text
    assert "  StatefulSet kite-etcd: 3 pods, " in text
    assert "  PodDisruptionBudget kite-milvus-proxy\n" in text
    assert "  spec.components.queryNode.replicas = 3: 3 nodes may take pods; one on each, up to 3\n" in text
    assert "Problems" not in text


def test_an_autoscaler_and_a_single_pod_have_their_words() -> None:
    text = explain(milvus(components={"proxy": {"replicas": -1}}), Facts(nodes=1, tool_image="glede:1"))

    assert "Deployment kite-milvus-proxy: pods by its autoscaler, " in text
    assert "Deployment kite-milvus-querynode: 1 pod, " in text


def test_what_is_wrong_is_told_worst_first() -> None:
    components = {"image": "milvusdb/milvus:v9.0.0", "rollingMode": 3}
    text = explain(milvus(components=components, config={"etcd": {"auth": {"password": "hidden"}}}), FACTS)

    assert "refused: nothing would be made or changed" in text
    problems = text.split("Problems\n")[1].splitlines()
    assert problems[0].startswith("  invalid spec.components.image: ")
    assert "hidden" not in text


def test_a_warning_stops_nothing() -> None:
    text = explain(milvus(config={"etcd": {"auth": {"password": "hidden"}}}), FACTS)

    assert "  warning spec.config.etcd.auth.password: " in text
    assert "  Secret kite-config\n" in text


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_command_explains_every_example(path: Path) -> None:
    code, text = run("-f", str(path), "--nodes", "3")

    assert code == 0, text
    assert "Objects\n" in text
    code, text = run("-f", str(path), "-o", "yaml")
    kinds = [document["kind"] for document in yaml.safe_load_all(text)]
    assert code == 0
    assert {"Deployment", "Service", "ConfigMap"} <= set(kinds)


def test_the_command_takes_secrets_beside_the_manifest(tmp_path: Path) -> None:
    file = tmp_path / "m.yaml"
    storage = {"external": True, "endpoint": "s3:9000", "secretRef": "keys"}
    manifest = {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": {"name": "kite"},
        "spec": {"dependencies": {"storage": storage}},
    }
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys"},
        "stringData": {"accesskey": "a"},
    }
    file.write_text(yaml.safe_dump_all([manifest, secret]))

    code, text = run("-f", str(file))

    assert code == 1
    assert "no secretkey" in text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Pod\n", "holds no Milvus"),
        ("[", "not YAML"),
        ("kind: Milvus\nmetadata: {name: x}\nspec: {mode: both}\n", "spec.mode"),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "m.yaml"
    file.write_text(text)
    code, said = run("-f", str(file))

    assert code == 2
    assert words in said
    assert run("-f", str(tmp_path / "none.yaml")) == (
        2,
        f"{tmp_path}/none.yaml: no such file; give the path of a Milvus manifest",
    )


def test_a_canary_is_told_apart() -> None:
    text = explain(milvus(components={"proxy": {"replicas": 3, "canary": {"share": "30%"}}}), FACTS)

    assert "\nWhile a change is watched\n  Deployment kite-milvus-proxy-canary: 1 pod, " in text
