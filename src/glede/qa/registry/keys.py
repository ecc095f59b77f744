"""API keys: shown once, kept as hashes, each belonging to one tenant."""

import hashlib
import hmac
import re
import secrets
import time
from dataclasses import dataclass

import sqlalchemy as sa

from glede.qa.registry.database import Database
from glede.qa.registry.schema import keys

_KEY = re.compile(r"glede_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_TENANT = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class KeyView:
    """A key as its administrator sees it: never the secret."""

    id: str
    tenant: str
    name: str
    created_at: float


class Keys:
    """The keys of all tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, tenant: str, name: str) -> str:
        """Make a key and give its text, which is not kept. Raises ValueError for a bad tenant name."""
        if not _TENANT.fullmatch(tenant):
            raise ValueError(
                f"tenant {tenant!r}: expected up to 63 of a-z, 0-9 and -, "
                "beginning and ending with a letter or digit"
            )
        key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute(
                keys.insert().values(
                    id=key_id, tenant=tenant, name=name[:200], digest=_digest(secret), created_at=time.time()
                )
            )
        return f"glede_{key_id}_{secret}"

    def listed(self) -> list[KeyView]:
        """Give all keys, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(sa.select(keys).order_by(keys.c.created_at)).all()
        return [KeyView(row.id, row.tenant, row.name, row.created_at) for row in rows]

    def remove(self, key_id: str) -> bool:
        """Revoke a key, at once."""
        with self._database.write() as connection:
            return connection.execute(keys.delete().where(keys.c.id == key_id)).rowcount == 1

    def any(self) -> bool:
        """Tell whether keys are required: as soon as there is one."""
        with self._database.read() as connection:
            return connection.execute(sa.select(keys.c.id).limit(1)).one_or_none() is not None

    def tenant_of(self, presented: str) -> str | None:
        """Give the tenant of a presented key, or none. The secret is compared in constant time."""
        match = _KEY.fullmatch(presented)
        if match is None:
            return None
        with self._database.read() as connection:
            row = connection.execute(sa.select(keys).where(keys.c.id == match[1])).one_or_none()
        # The secret has 256 random bits, so a plain hash cannot be searched.
        expected = row.digest if row else "0" * 64
        return str(row.tenant) if hmac.compare_digest(_digest(match[2]), expected) and row else None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
