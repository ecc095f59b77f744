"""The operator's chart in a namespace of a real API server."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from lab.api import ApiLab
from lab.binaries import find_binary

CHART = Path(__file__).parents[2] / "charts/glede"


class Release:
    """helm and kubectl against one API server, in one namespace."""

    def __init__(self, lab: ApiLab, namespace: str, folder: Path) -> None:
        self.namespace = namespace
        self.account = f"system:serviceaccount:{namespace}:glede"
        self._kubeconfig = lab.kubeconfig
        homes = {f"HELM_{what}_HOME": str(folder / what) for what in ("CACHE", "CONFIG", "DATA")}
        self._environment = {**os.environ, **homes}

    def run(self, program: str, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program to its end, whatever that is."""
        command = [str(find_binary(program)), f"--kubeconfig={self._kubeconfig}"]
        return subprocess.run(
            [*command, *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=self._environment,
            timeout=120,
        )

    def helm(self, *words: str) -> str:
        """Run helm in the namespace and give what it printed."""
        return _good(self.run("helm", "-n", self.namespace, *words))

    def kubectl(self, *words: str) -> str:
        """Run kubectl in the namespace and give what it printed."""
        return _good(self.run("kubectl", "-n", self.namespace, *words))

    def rendered(self, *settings: str) -> list[dict[str, Any]]:
        """Give the objects that the chart renders with some settings."""
        words = [word for setting in settings for word in ("--set", setting)]
        text = self.helm("template", "glede", str(CHART), *words)
        return [body for body in yaml.safe_load_all(text) if body]

    def accepted(self, objects: list[dict[str, Any]], *words: str) -> list[str]:
        """Apply on the server, with strict validation; give what was accepted."""
        strict = ("apply", "--server-side", "--validate=strict", "-f", "-", "-o", "name", *words)
        return _good(self.run("kubectl", *strict, stdin=yaml.safe_dump_all(objects))).split()

    def may(self, verb: str, resource: str, namespace: str) -> bool:
        """Tell whether the operator's service account may do something in a namespace."""
        who = f"--as={self.account}"
        return self.run("kubectl", "auth", "can-i", verb, resource, "-n", namespace, who).returncode == 0


def _good(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout
