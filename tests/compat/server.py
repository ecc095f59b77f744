"""Talking to the API server as people do, and comparing what it keeps with what was sent.

milvus-operator's own files (folders ``crd`` and ``samples``) are looked for in $GLEDE_COMPAT, else beside the
repository.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from lab.binaries import find_binary
from lab.commands import run
from lab.daemons import wait_for
from lab.errors import LabError

from glede.api.milvus.schema import definitions

REPOSITORY = Path(__file__).resolve().parents[2]
COMPAT = Path(os.environ.get("GLEDE_COMPAT") or REPOSITORY.parent / "shared" / "compat")
PRESENT = (COMPAT / "crd").is_dir() and (COMPAT / "samples").is_dir()


@dataclass(frozen=True, slots=True)
class Kubectl:
    """kubectl with all rights, in one namespace."""

    kubeconfig: Path
    namespace: str = "default"

    def __call__(self, *arguments: str, document: object = None) -> str:
        """Run it; ``document`` is for ``-f -``. Raises LabError with what the server said."""
        stdin = None if document is None else json.dumps(document).encode()
        return run(self._command(*arguments), stdin=stdin)

    def create(self, document: dict[str, Any]) -> dict[str, Any]:
        """Create an object in the namespace, and give it as the server keeps it."""
        metadata = document["metadata"] | {"namespace": self.namespace}
        created = self(
            "create", "--validate=true", "-f", "-", "-o", "json", document=document | {"metadata": metadata}
        )
        found: dict[str, Any] = json.loads(created)
        return found

    def refusal(self, document: dict[str, Any]) -> str:
        """Create an object that the server must refuse; gives its words."""
        done = subprocess.run(
            self._command("create", "-f", "-"),
            input=json.dumps(document).encode(),
            capture_output=True,
            check=False,
        )
        assert done.returncode != 0, f"created {document['spec']}"
        return done.stderr.decode()

    def _command(self, *arguments: str) -> list[str]:
        kubectl = str(find_binary("kubectl"))
        return [kubectl, f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]


def wait_for_definitions(kubectl: Kubectl, column: str | None = None) -> None:
    """Wait until all kinds are served, and the definition of Milvus has ``column``. Raises LabError."""
    names = [definition["metadata"]["name"] for definition in definitions()]
    for _ in wait_for("the definitions are served", 30):
        try:
            for name in names:
                kubectl("get", name)
        except LabError:
            continue
        if column is None or kubectl("get", "crd", names[0], f"-o=jsonpath={{{column}}}"):
            return


def documents(path: Path) -> list[dict[str, Any]]:
    """Give the objects of our group in a file."""
    found = yaml.safe_load_all(path.read_text())
    return [body for body in found if body and body["apiVersion"].startswith("milvus.io/")]


def lost(sent: object, kept: object, path: str = "") -> list[str]:
    """Give the places where an object that the server keeps lacks what was sent."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        return [
            place
            for name, value in sent.items()
            for place in (lost(value, kept[name], f"{path}.{name}") if name in kept else [f"{path}.{name}"])
        ]
    if isinstance(sent, list) and isinstance(kept, list) and len(sent) == len(kept):
        return [
            place
            for index, (one, other) in enumerate(zip(sent, kept, strict=True))
            for place in lost(one, other, f"{path}[{index}]")
        ]
    return [] if sent == kept else [path]
