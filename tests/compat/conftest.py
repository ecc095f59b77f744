"""The compatibility suite: a real API server with our definitions, against milvus-operator's own files."""

import asyncio
from collections.abc import Iterator

import pytest
from lab.api import ApiLab, api_lab
from lightkube import Client
from tests.compat.server import COMPAT, PRESENT, Kubectl, wait_for_definitions
from tests.kube.operators import install_definitions

from glede.api.milvus.schema import definitions

collect_ignore = [] if PRESENT else ["test_samples.py", "test_schema_diff.py", "test_takeover.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not PRESENT:
        terminalreporter.write_line(
            f"tests/compat: {', '.join(collect_ignore)} not run: {COMPAT} has no crd and samples; "
            "set GLEDE_COMPAT to a folder with milvus-operator's"
        )


@pytest.fixture(scope="session")
def crds(api: ApiLab) -> Iterator[Kubectl]:
    """Our definitions on a real API server, put there by a client-side apply."""
    kubectl = Kubectl(api.kubeconfig)
    for definition in definitions():
        kubectl("apply", "-f", "-", document=definition)
    wait_for_definitions(kubectl)
    yield kubectl
    for definition in definitions():
        kubectl("delete", "crd", definition["metadata"]["name"], "--wait=false")


@pytest.fixture(scope="session")
def ground() -> Iterator[ApiLab]:
    """An API server of its own, where a Milvus can run: other operators in the cluster count there."""
    with api_lab() as found:
        asyncio.run(install_definitions(found.kubeconfig))
        found.add_fake_nodes([f"ground-{number}" for number in range(3)])
        yield found


@pytest.fixture
def kubectl(crds: Kubectl, kube: Client) -> Kubectl:
    """kubectl in a namespace of the test's own, with our definitions in force."""
    return Kubectl(crds.kubeconfig, str(kube.namespace))
