"""What the tests on an API server share."""

from collections.abc import AsyncIterator

import pytest
from lab.api import ApiLab
from tests.kube.live import connected

from glede.kube.http import HttpTransport


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def transport(api: ApiLab) -> AsyncIterator[HttpTransport]:
    """A transport with all rights."""
    async with connected(api.kubeconfig) as found:
        yield found
