"""What the tests on an API server share."""

from collections.abc import AsyncIterator, Iterator

import pytest
from lab.api import ApiLab, api_lab
from tests.kube.live import connected

from glede.kube.http import HttpTransport


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
