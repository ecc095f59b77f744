"""A service that the tests of a module share."""

from collections.abc import Iterator

import pytest
from tests.qa.live import Live, running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(tmp_path_factory.mktemp("service")) as live:
        yield live
