"""Document frequencies: in how many chunks of a tenant each token stands."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from glede.qa.registry.schema import State, terms, versions

_BATCH = 500
_TOTAL = sa.select(sa.func.coalesce(sa.func.sum(versions.c.chunks), 0)).where(
    versions.c.tenant == sa.bindparam("owner"),
    versions.c.counted,
    versions.c.state != State.RETIRED,
)
_FREQUENCIES = sa.select(terms.c.term, terms.c.chunks).where(
    terms.c.tenant == sa.bindparam("owner"), terms.c.term.in_(sa.bindparam("asked", expanding=True))
)


@dataclass(frozen=True, slots=True)
class TermWeights:
    """IDF of a question's tokens in one tenant's documents; ``chunks`` is how many it has."""

    chunks: int
    frequencies: Mapping[str, int]

    def idf(self, token: str) -> float:
        """BM25's inverse document frequency, ln(1 + (N - n + 0.5) / (n + 0.5)), never negative.

        Source: Robertson and Zaragoza, The Probabilistic Relevance Framework, 2009, with Lucene's +1.
        """
        found = min(self.frequencies.get(token, 0), self.chunks)
        return math.log(1 + (self.chunks - found + 0.5) / (found + 0.5))


def count_terms(token_lists: Iterable[Iterable[str]]) -> Counter[str]:
    """Count in how many of the texts each token stands."""
    counts: Counter[str] = Counter()
    for tokens in token_lists:
        counts.update(set(tokens))
    return counts


def change_terms(connection: Connection, tenant: str, counts: Mapping[str, int], sign: int) -> None:
    """Add (sign 1) or take away (sign -1) counts, within the caller's transaction."""
    # Sorted, so that two writers lock rows in one order.
    rows = [
        {"tenant": tenant, "term": term, "chunks": sign * count} for term, count in sorted(counts.items())
    ]
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(terms)
    statement = statement.on_conflict_do_update(
        index_elements=["tenant", "term"],
        set_={"chunks": terms.c.chunks + statement.excluded.chunks},
    )
    for begin in range(0, len(rows), _BATCH):
        connection.execute(statement, rows[begin : begin + _BATCH])
    if sign < 0:
        connection.execute(terms.delete().where(terms.c.tenant == tenant, terms.c.chunks <= 0))


def term_weights(connection: Connection, tenant: str, tokens: Sequence[str]) -> TermWeights:
    """Look up the frequencies of a question's tokens."""
    total = connection.execute(_TOTAL, {"owner": tenant}).scalar_one()
    found = connection.execute(_FREQUENCIES, {"owner": tenant, "asked": list(tokens)[:_BATCH]})
    return TermWeights(int(total), {row.term: row.chunks for row in found})
