"""The operator does its work with the rights that its chart gives it, and with no other."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import yaml
from lab.api import ApiLab
from lab.controlplane import free_ports
from lab.daemons import wait_for
from lab.fixtures import a_namespace
from lightkube import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.resources.apps_v1 import Deployment, StatefulSet
from tests.kube.releases import CHART, Release
from typer.main import get_command

from glede.cli.main import app

SECONDS = 90.0
Milvus = create_namespaced_resource("milvus.io", "v1beta1", "Milvus", "milvuses")


@pytest.fixture
def release(lab: ApiLab, tmp_path: Path) -> Iterator[Release]:
    with a_namespace(lab.client()) as namespace:
        made = Release(lab, namespace, tmp_path)
        yield made
        made.run("helm", "-n", namespace, "uninstall", "glede")


@pytest.fixture
def team(lab: ApiLab) -> Iterator[Client]:
    with a_namespace(lab.client()) as namespace:
        yield lab.client(namespace)


def arguments(release: Release) -> list[str]:
    """Give the operator's arguments as the cluster has them."""
    found = json.loads(release.kubectl("get", "deployment", "glede", "-o", "json"))
    [container] = found["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["glede", "operator"]
    given: list[str] = container["args"]
    return given


@contextlib.contextmanager
def operator(lab: ApiLab, release: Release, folder: Path) -> Iterator[str]:
    """Run the operator as its service account, and give its address; it must end well."""
    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["users"][0]["user"] = {"token": release.kubectl("create", "token", "glede").strip()}
    (folder / "kubeconfig").write_text(yaml.safe_dump(config))
    [port] = free_ports(1)
    words = [
        *arguments(release),
        f"--port={port}",
        "--host=127.0.0.1",
        f"--kubeconfig={folder / 'kubeconfig'}",
    ]
    environment = {**os.environ, "POD_NAMESPACE": release.namespace, "POD_NAME": "glede-test"}
    with (folder / "log").open("w+") as log:
        command = [sys.executable, "-m", "glede", "operator", *words]
        process = subprocess.Popen(command, stderr=log, env=environment)
        try:
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            assert process.wait(40) == 0, (folder / "log").read_text()[-2000:]
        finally:
            process.kill()
            process.wait()


def refused(lab: ApiLab, user: str) -> set[str]:
    """Give what the API server refused to a user: "verb resource"."""
    found = set()
    for line in lab.places.audit_log.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):  # the last line, being written
            event: dict[str, Any] = json.loads(line)
            target = event.get("objectRef", {})
            if event["user"]["username"] == user and event.get("responseStatus", {}).get("code") == 403:
                found.add(f"{event['verb']} {target.get('resource')}")
    return found


@pytest.mark.parametrize("namespaced", [False, True], ids=["cluster-wide", "namespaced"])
def test_the_operator_works_with_the_rights_of_its_chart(
    lab: ApiLab, release: Release, team: Client, tmp_path: Path, namespaced: bool
) -> None:
    settings = ["--set", f"watchNamespaces={{{team.namespace}}}"] if namespaced else []
    # The definitions of a release before this one belong to it still.
    release.helm("install", "glede", str(CHART), "--take-ownership", *settings)
    with operator(lab, release, tmp_path) as url:
        for _ in wait_for("the operator is ready", SECONDS, pause=0.3):
            with contextlib.suppress(httpx2.TransportError):
                if httpx2.get(f"{url}/readyz", trust_env=False).status_code == 200:
                    break
        team.create(Milvus({"metadata": {"name": "kites"}, "spec": {"mode": "cluster"}}))
        labels = {"glede.io/milvus": "kites"}
        for _ in wait_for("the operator has made what it needs", SECONDS, pause=0.3):
            made = [*team.list(StatefulSet, labels=labels), *team.list(Deployment, labels=labels)]
            if made and (team.get(Milvus, "kites").status or {}).get("observedGeneration"):
                break
        assert "glede_operator_leader 1.0" in httpx2.get(f"{url}/metrics", trust_env=False).text

    # Whether the Prometheus operator is there is a question about the whole cluster.
    assert refused(lab, release.account) == ({"get customresourcedefinitions"} if namespaced else set())


def test_the_command_takes_the_arguments_of_the_chart(release: Release) -> None:
    settings = ["watchNamespaces={a,b}", "workers=3", "logLevel=debug", "logFormat=text"]
    [deployment] = [body for body in release.rendered(*settings) if body["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]

    root: Any = get_command(app)
    command = root.get_command(None, "operator")
    parsed = command.make_context("operator", list(container["args"]))
    assert parsed.params["watch_namespace"] == "a,b"
    assert (parsed.params["workers"], parsed.params["log_level"], parsed.params["log_format"]) == (
        3,
        "debug",
        "text",
    )
