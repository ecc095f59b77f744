"""``glede explain``: what the operator would make of a manifest, without a cluster."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
import yaml

from glede.api.errors import ManifestError
from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.legacy import CLUSTER_KIND
from glede.api.milvus.spec import KIND, Milvus
from glede.cli.output import CommandError
from glede.milvus.explain import explain as explained
from glede.milvus.facts import Facts, SecretFacts
from glede.milvus.intent import intent_of
from glede.milvus.references import secrets_named

MAX_BYTES = 4 * 1024 * 1024
# What a released operator runs as; its own version is not known without a cluster.
TOOL_IMAGE = "glede"
_DEPENDENCY_KEYS = ("accesskey", "secretkey", "username", "password", "ca.crt")


def explain(
    file: Annotated[Path, typer.Option("--file", "-f", help="File with one or more Milvus manifests.")],
    nodes: Annotated[int, typer.Option(min=1, help="Nodes that may take pods.")] = 3,
    output: Annotated[
        Literal["text", "yaml"],
        typer.Option("--output", "-o", help="yaml: all objects, as they are applied."),
    ] = "text",
) -> None:
    """Show what the operator would make of a manifest: objects, derived values with reasons, problems.

    Secrets are those of the file; others that a manifest names are taken as there. Exit code 1 where the
    operator would refuse one.
    """
    documents = _documents(file)
    found = [document for document in documents if document.get("kind") in (KIND, CLUSTER_KIND)]
    if not found:
        raise CommandError(f"{file}: holds no Milvus; give a file with `kind: Milvus`", 3)
    given = _secrets(documents)
    refused = False
    for document in found:
        milvus = _read(document, file)
        facts = Facts(nodes=nodes, tool_image=TOOL_IMAGE, secrets=_assumed(milvus, document) | given)
        intent = intent_of(milvus, facts, ())
        refused |= intent.desired is None
        if output == "text" or intent.desired is None:
            print(explained(milvus, facts))
        else:
            print("---\n" + yaml.safe_dump_all(intent.desired.objects, sort_keys=False), end="")
    if refused:
        raise typer.Exit(1)


def _documents(file: Path) -> list[dict[str, Any]]:
    try:
        if file.stat().st_size > MAX_BYTES:
            raise ManifestError(f"{file}: larger than {MAX_BYTES} bytes, expected manifests")
        loaded = list(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise ManifestError(f"{file}: no such file; give the path of a Milvus manifest") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(f"{file}: cannot be read as UTF-8 text: {error}") from error
    except yaml.YAMLError as error:
        raise ManifestError(f"{file}: not YAML: {' '.join(str(error).split())}") from error
    return [document for document in loaded if isinstance(document, dict)]


def _read(document: dict[str, Any], file: Path) -> Milvus:
    try:
        return read_milvus(document)
    except ManifestProblem as problem:
        raise ManifestError(f"{file}: {problem}") from problem


def _assumed(milvus: Milvus, document: dict[str, Any]) -> dict[str, SecretFacts]:
    """Take every Secret that the manifest names for one that is there, with the keys that are read."""
    keys = frozenset((*_DEPENDENCY_KEYS, *_keys_read(document)))
    return {name: SecretFacts(keys, "") for name in secrets_named(milvus)}


def _keys_read(value: Any) -> Iterator[str]:
    children: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = ((None, child) for child in value)
    for name, child in children:
        if name == "secretKeyRef" and isinstance(child, dict):
            yield str(child.get("key", ""))
        else:
            yield from _keys_read(child)


def _secrets(documents: Iterable[dict[str, Any]]) -> dict[str, SecretFacts]:
    """Take the Secrets beside the manifest for those of the cluster."""
    found = {}
    for document in documents:
        if document.get("kind") == "Secret":
            held = {**(document.get("data") or {}), **(document.get("stringData") or {})}
            digest = hashlib.sha256(json.dumps(held, sort_keys=True, default=str).encode()).hexdigest()
            found[str((document.get("metadata") or {}).get("name"))] = SecretFacts(frozenset(held), digest)
    return found
