"""How many index rows a tenant has, by the registry."""

import time
from typing import Literal

import sqlalchemy as sa

from glede.qa.registry.database import Database
from glede.qa.registry.schema import State, versions

FRESH_SECONDS = 1.0


class RowCounts:
    """Counts rows of finished versions; an answer is at most a second old.

    Rows of other versions are on their way in or out, so nothing can be expected of them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], tuple[float, int]] = {}

    def known(self, leg: Literal["lexical", "dense"], tenant: str) -> int:
        """Give how many rows of a leg a tenant must have. Raises RegistryError."""
        now = time.monotonic()
        until, count = self._known.get((leg, tenant), (0.0, 0))
        if until > now:
            return count
        column = versions.c.chunks if leg == "lexical" else versions.c.embedded
        query = sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(
            versions.c.tenant == tenant, versions.c.state == State.READY
        )
        with self._database.read() as connection:
            count = int(connection.execute(query).scalar_one())
        self._known[leg, tenant] = (now + FRESH_SECONDS, count)
        return count

    def embedded_share(self, tenant: str) -> float:
        """Give the share of a tenant's chunks that have a vector; 1 while nothing is finished."""
        chunks = self.known("lexical", tenant)
        return self.known("dense", tenant) / chunks if chunks else 1.0
