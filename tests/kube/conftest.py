"""What the tests on an API server share."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from lab.api import ApiLab, api_lab
from tests.kube.live import connected
from tests.kube.operators import install_definitions

from glede.kube.http import HttpTransport

FAKE_NODES = 3


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the matrix: of several processes none is left alone at the end with the longest tests."""
    items.sort(key=lambda item: "matrix" not in item.path.parts)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def lab() -> Iterator[ApiLab]:
    """An API server of a module's own: a release owns what a cluster has once, and its log is theirs."""
    with api_lab() as found:
        yield found


@pytest.fixture
async def transport(api: ApiLab) -> AsyncIterator[HttpTransport]:
    """A transport with all rights."""
    async with connected(api.kubeconfig) as found:
        yield found


@pytest.fixture(scope="session")
def ground(api: ApiLab) -> Path:
    """The kubeconfig of an API server where a Milvus can run, as far as Kubernetes can tell."""
    asyncio.run(install_definitions(api.kubeconfig))
    api.add_fake_nodes([f"ground-{number}" for number in range(FAKE_NODES)])
    return api.kubeconfig
