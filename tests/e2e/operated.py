"""Glede's chart on the lab's nodes, and what a user does with it: apply, look, search, break."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.binaries import find_binary
from lab.commands import run
from lab.daemons import wait_for
from lab.fixtures import NodesLab

REPOSITORY = Path(__file__).parents[2]
MANIFESTS = Path(__file__).parent / "manifests"
DEPENDENCIES = REPOSITORY / "lab" / "examples" / "milvus-cluster" / "10-dependencies.yaml"
RELEASE_NAMESPACE = "glede-system"
READY_SECONDS = 300.0
METHOD = """\
Made by `make e2e-report`.

The chart with two operators, and the manifests of `tests/e2e/manifests`, one after another, on the lab's
three nodes with the images loaded; Milvus 2.3.5. The clock starts with `kubectl apply`. *Healthy* is the
status with all pods available; the first search makes a collection, inserts, indexes, loads and searches
through the Service. *Changed under search*: two collections of 20,000 vectors of 128 numbers, one with one
and one with two in-memory replicas, two clients on each that search without pause; a search *failed* when it
gave an error within 10 s, is *late* after one second, and *short* with fewer hits than asked for. *Lost* are
rows that another client inserted meanwhile, were acknowledged, and are not found afterwards. *Whole* is
Healthy and not Degraded. The nodes share the cores with the test."""
CHANGED = (
    "changed under search",
    "s until done",
    "searches",
    "p50 ms",
    "p99 ms",
    "failed",
    "late",
    "short",
    "lost",
)
# The default object store's image comes from a registry; the lab builds its own of the same kind.
STORAGE_IMAGE = "minio/minio:RELEASE.2025-09-07T16-13-09Z"


@dataclass
class Release:
    """The operator, installed by its chart."""

    lab: NodesLab

    def helm(self, *arguments: str, seconds: float = 180.0) -> str:
        """Run helm. Raises LabError."""
        kubeconfig = f"--kubeconfig={self.lab.places.kubeconfig}"
        helm = [str(find_binary("helm")), kubeconfig, "--namespace", RELEASE_NAMESPACE]
        return run([*helm, *arguments], seconds=seconds)

    @contextmanager
    def installed(self) -> Iterator[Release]:
        """Install the chart for the block, and wait until the operator is ready."""
        values = ["--set", f"images.storage={STORAGE_IMAGE}"]
        chart = str(REPOSITORY / "charts/glede")
        self.helm("install", "glede", chart, "--create-namespace", "--wait", "--timeout=120s", *values)
        try:
            yield self
        finally:
            self.helm("uninstall", "glede", "--wait", "--timeout=120s")

    def tested(self, milvus: Operated) -> str:
        """Have `helm test` search in a Milvus; gives what it printed. Raises LabError where that fails."""
        chart = str(REPOSITORY / "charts/glede")
        named = f"test.milvus.name={milvus.name},test.milvus.namespace={milvus.namespace}"
        self.helm("upgrade", "glede", chart, "--reuse-values", "--set", named, "--wait", "--timeout=120s")
        return self.helm("test", "glede", "--timeout=150s")


@dataclass
class Operated:
    """One Milvus that the operator looks after."""

    lab: NodesLab
    namespace: str
    name: str
    applied: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def kubectl(self, *arguments: str, seconds: float = 60.0) -> str:
        """Run kubectl in the namespace. Raises LabError."""
        return self.lab.kubectl("--namespace", self.namespace, *arguments, seconds=seconds)

    def apply(self, manifest: str) -> None:
        """Apply a manifest, NAMESPACE in it replaced."""
        text = (MANIFESTS / f"{manifest}.yaml").read_text().replace("NAMESPACE", self.namespace)
        path = self.lab.places.run / f"{self.namespace}.yaml"
        path.write_text(text)
        self.applied = time.monotonic()
        self.kubectl("apply", "-f", str(path))

    def read(self) -> dict[str, Any]:
        """Give it as the API server has it."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "milvus", self.name, "-o", "json"))
        return found

    def spec(self) -> dict[str, Any]:
        """Give the manifest's spec."""
        found: dict[str, Any] = self.read()["spec"]
        return found

    def status(self) -> dict[str, Any]:
        """Give the status; empty until there is one."""
        return self.read().get("status") or {}

    def condition(self, type_: str) -> dict[str, Any]:
        """Give a condition; empty where there is none."""
        return next((c for c in self.status().get("conditions", []) if c["type"] == type_), {})

    def until(self, what: str, holds: Callable[[], bool], seconds: float = READY_SECONDS) -> float:
        """Wait until something holds; gives the seconds that it took. Raises LabError with the status."""
        begin = time.monotonic()
        for _ in wait_for(f"{self.name}: {what}", seconds, pause=0.5):
            if holds():
                break
        return time.monotonic() - begin

    def healthy(self) -> None:
        """Wait until it is Healthy and whole."""

        def holds() -> bool:
            status = self.status()
            available, _, wanted = str(status.get("ready", "0/1")).partition("/")
            return status.get("status") == "Healthy" and available == wanted

        self.until("is Healthy and whole", holds)

    def whole(self) -> bool:
        """Tell whether it is Healthy and nothing is missing."""
        status = self.status()
        conditions = {c["type"]: c["status"] for c in status["conditions"]}
        return bool(status["status"] == "Healthy" and conditions["Degraded"] == "False")

    @property
    def uri(self) -> str:
        """Where clients find it."""
        return f"http://{self.status()['endpoint']}"


@dataclass
class Figures:
    """Rows of the report's tables."""

    up: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def report(self) -> None:
        """Print the tables, and write them where GLEDE_OPERATOR_REPORT says."""
        machine = f"{os.cpu_count()} cores, Linux {platform.release().split('-')[0]}"
        lines = [
            "# The operator on real nodes, measured",
            "",
            f"{datetime.now(UTC).date().isoformat()}, {machine}. {METHOD}",
            "",
            *_table(
                ("manifest", "s to Healthy", "s from there to a first search's end", "s in all"), self.up
            ),
            "",
            *_table(("lost, of the cluster above", "s until it is whole again"), self.lost),
            "",
            *_table(CHANGED, self.changed),
            "",
            *_table(
                ("external dependency stopped", "s until told", "s from its return to whole, and a search"),
                self.outside,
            ),
        ]
        text = "\n".join(lines) + "\n"
        print(f"\n{text}")  # noqa: T201 - the figures are what this is for
        if path := os.environ.get("GLEDE_OPERATOR_REPORT"):
            Path(path).write_text(text)


def _table(heads: tuple[str, ...], rows: list[str]) -> list[str]:
    return [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *rows]
