"""The operator's chart on a real API server: what is accepted, what is refused, and a release's life."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.api import ApiLab
from lab.fixtures import a_namespace
from lightkube import Client
from lightkube.core.exceptions import ApiError
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Pod
from tests.kube.releases import CHART, Release

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
MONITORS = {
    kind: {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.lower()}s.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": f"{kind.lower()}s", "singular": kind.lower()},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {
                        "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
                    },
                }
            ],
        },
    }
    for kind in ("PodMonitor", "ServiceMonitor")
}


@pytest.fixture
def release(lab: ApiLab, tmp_path: Path) -> Iterator[Release]:
    with a_namespace(lab.client()) as namespace:
        yield Release(lab, namespace, tmp_path)


@pytest.fixture
def team(lab: ApiLab) -> Iterator[Callable[[], str]]:
    """Makes further namespaces."""
    opened = []

    def make() -> str:
        manager = a_namespace(lab.client())
        opened.append(manager)
        return manager.__enter__()

    yield make
    for manager in opened:
        manager.__exit__(None, None, None)


def kinds(objects: list[dict[str, Any]]) -> list[str]:
    return sorted(body["kind"] for body in objects if body["kind"] != "CustomResourceDefinition")


def test_lint_finds_nothing(release: Release) -> None:
    assert "0 chart(s) failed" in release.helm("lint", "--strict", str(CHART))


def test_the_api_server_accepts_what_the_defaults_render(release: Release) -> None:
    objects = release.rendered()

    assert kinds(objects) == [
        "ClusterRole",
        "ClusterRoleBinding",
        "Deployment",
        "NetworkPolicy",
        "PodDisruptionBudget",
        "Role",
        "RoleBinding",
        "Service",
        "ServiceAccount",
    ]
    assert len(release.accepted(objects, "--dry-run=server")) == len(objects)


def test_namespaced_values_render_no_right_beyond_the_namespaces(
    release: Release, team: Callable[[], str]
) -> None:
    a, b = team(), team()
    objects = release.rendered(f"watchNamespaces={{{a},{b},{a}}}", "crds.create=false")

    assert not [body for body in objects if body["kind"].startswith(("Cluster", "Custom"))]
    roles = [body["metadata"]["namespace"] for body in objects if body["kind"] == "Role"]
    assert sorted(roles) == sorted([a, b, release.namespace])
    assert len(release.accepted(objects)) == len(objects)
    [deployment] = [body for body in objects if body["kind"] == "Deployment"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    assert f"--watch-namespace={a},{b}" in container["args"]

    assert release.may("patch", "deployments.apps", a)
    assert release.may("watch", "secrets", b)
    assert not release.may("get", "secrets", release.namespace)
    assert not release.may("list", "pods", "default")
    assert not release.may("list", "nodes", a)


def test_everything_switched_on_is_accepted_too(release: Release) -> None:
    release.accepted(list(MONITORS.values()))
    release.kubectl(
        "wait", "--for=condition=Established", *(f"crd/{k.lower()}s.monitoring.coreos.com" for k in MONITORS)
    )
    settings = [
        "imagePullSecrets[0].name=registry",
        "extraArgs={--log-level=debug}",
        "extraEnv[0].name=A,extraEnv[0].value=b",
        "podLabels.a=b,podAnnotations.a=b,nodeSelector.a=b,priorityClassName=system-cluster-critical",
        "tolerations[0].operator=Exists",
        "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.a=b",
        "serviceAccount.annotations.a=b,metrics.service.annotations.a=b,metrics.podMonitor.labels.a=b",
        f"affinity.nodeAffinity.{PREFERRED}[0].weight=1",
        f"affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].key=a",
        f"affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].operator=Exists",
        "test.milvus.name=kites,test.milvus.namespace=birds,test.milvus.tokenSecret.name=token",
        f"image.digest=sha256:{'0' * 64}",
    ]
    for monitor in MONITORS:
        objects = release.rendered(*settings, f"metrics.{monitor[0].lower()}{monitor[1:]}.enabled=true")

        assert monitor in kinds(objects)
        assert len(release.accepted(objects, "--dry-run=server")) == len(objects)
    [test] = [body for body in objects if body["kind"] == "Pod"]
    assert "--uri=http://kites-milvus.birds.svc:19530" in test["spec"]["containers"][0]["args"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("replicaCount=two", "at '/replicaCount': got string, want integer"),
        ("replicas=3", "additional properties 'replicas' not allowed"),
        ("watchNamespaces={Team_A}", "at '/watchNamespaces/0': 'Team_A' does not match pattern"),
        ("logLevel=loud", "at '/logLevel': value must be one of 'debug', 'info', 'warning', 'error'"),
        ("image.digest=sha256:12", "at '/image/digest': 'sha256:12' does not match pattern"),
        ("crds=false", "at '/crds': got boolean, want object"),
        ("metrics.podMonitor.enabled=true,metrics.serviceMonitor.enabled=true", "enable one"),
        (
            "metrics.serviceMonitor.enabled=true,metrics.service.enabled=false",
            "needs metrics.service.enabled",
        ),
    ],
)
def test_wrong_values_are_refused_by_name(release: Release, setting: str, told: str) -> None:
    done = release.run("helm", "template", "glede", str(CHART), "--set", setting)
    assert done.returncode != 0
    assert told in done.stderr


def test_the_pods_pass_the_restricted_security_level(lab: ApiLab, release: Release) -> None:
    release.kubectl("label", "namespace", release.namespace, *(f"{k}={v}" for k, v in RESTRICTED.items()))
    objects = release.rendered("test.milvus.name=kites")
    release.accepted([body for body in objects if body["kind"] == "ServiceAccount"])
    [deployment] = [body for body in objects if body["kind"] == "Deployment"]
    [test] = [body for body in objects if body["kind"] == "Pod"]
    operator = {"apiVersion": "v1", "kind": "Pod", **deployment["spec"]["template"]}
    operator["metadata"] |= {"name": "operator", "namespace": release.namespace}

    assert len(release.accepted([operator, test], "--dry-run=server")) == 2
    del operator["spec"]["containers"][0]["securityContext"]["capabilities"]
    with pytest.raises(ApiError, match="violates PodSecurity"):
        lab.client(release.namespace).create(Pod.from_dict(operator))


def test_a_release_lives_and_its_definitions_outlive_it(lab: ApiLab, release: Release) -> None:
    assert "every namespace" in release.helm("install", "glede", str(CHART))
    api = lab.client(release.namespace)
    assert replicas(api) == 2
    check_rights(release)
    release.accepted([a_milvus(release.namespace)])

    release.helm("upgrade", "glede", str(CHART), "--reuse-values", "--set", "replicaCount=3")
    assert replicas(api) == 3
    release.helm("rollback", "glede", "1")
    assert replicas(api) == 2
    history = json.loads(release.helm("history", "glede", "-o", "json"))
    assert [entry["status"] for entry in history] == ["superseded", "superseded", "deployed"]

    assert "kept" in release.helm("uninstall", "glede")
    left = release.kubectl("get", "all,pdb,netpol,role,rolebinding,clusterrole", "-o", "name")
    assert not [line for line in left.split() if line.endswith(("/glede", "/glede-leader", "-glede"))]
    assert release.kubectl("get", "milvus", "-o", "name").strip() == "milvus.milvus.io/kites"
    release.helm("install", "glede", str(CHART))
    assert replicas(api) == 2
    release.helm("uninstall", "glede")


def replicas(api: Client) -> int:
    deployment = api.get(Deployment, "glede")
    assert deployment.spec
    return int(deployment.spec.replicas or 0)


def check_rights(release: Release) -> None:
    own, other = release.namespace, "default"
    asked = {
        ("update", "leases.coordination.k8s.io/glede", own): True,
        ("update", "leases.coordination.k8s.io/other", own): False,
        ("create", "leases.coordination.k8s.io", own): True,
        ("create", "leases.coordination.k8s.io", other): False,
        ("watch", "milvuses.milvus.io", other): True,
        ("patch", "milvuses.milvus.io/kites", other): True,
        ("delete", "milvuses.milvus.io", other): False,
        ("list", "nodes", other): True,
        ("create", "pods", other): False,
        ("create", "pods/exec", other): False,
        ("patch", "clusterroles.rbac.authorization.k8s.io", other): False,
        ("delete", "customresourcedefinitions.apiextensions.k8s.io", other): False,
    }
    assert {question: release.may(*question) for question in asked} == asked


def a_milvus(namespace: str) -> dict[str, Any]:
    return {
        "apiVersion": "milvus.io/v1beta1",
        "kind": "Milvus",
        "metadata": {"name": "kites", "namespace": namespace},
        "spec": {"mode": "cluster"},
    }
