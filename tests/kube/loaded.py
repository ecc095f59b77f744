"""What Milvus 2.3.5 notes in etcd of collections, databases and what is loaded."""

import base64
from dataclasses import dataclass

from tests.kube.servers import Served

from glede.milvus.probe.gateway import coded, end_of

# As it wrote them: the collection "books", 470737468725919927, and the database "zoo".
_BOOKS = (
    b"\x08\xb7\x81\x80\xaf\xbd\xa7\x99\xc4\x06\x12\x07\n\x05books\x18\x88\x80\xf0\xe1\xe0\xa7\x99\xc4\x06"
    b":+by-dev-rootcoord-dml_0_470737468725919927v0B\x16by-dev-rootcoord-dml_0P\x01"
)
_REPLICA = (
    b"\x08\x81\x80\xa0\xe1\xbe\xa7\x99\xc4\x06\x10\xb7\x81\x80\xaf\xbd\xa7\x99\xc4\x06\x1a\x02\x02\x01"
    b'"\x18__default_resource_group'
)
_LOAD = (
    b"\x08\xb7\x81\x80\xaf\xbd\xa7\x99\xc4\x06\x18\x01 \x02*\x0c\x08e\x10\x88\x9c\x8c\xaf\xbd\xa7\x99"
    b"\xc4\x060\x02"
)
_DATABASE = b"\x12\x03zoo\x18\xf1\x9c\x8c\xaf\xbd\xa7\x99\xc4\x06 \x01"
DEFAULT_DATABASE = 1


@dataclass(frozen=True)
class Notes:
    """The notes of one Milvus, below ``<root>/meta/``."""

    etcd: Served
    root: str = "kite"

    @property
    def prefix(self) -> str:
        return f"{self.root}/meta/"

    def create(self, collection: int, name: str = "books", database: int = DEFAULT_DATABASE) -> None:
        value = _BOOKS.replace(b"books", name.encode()).replace(
            b"\x07\n\x05", bytes([len(name.encode()) + 2, 10, len(name.encode())])
        )
        self._put(f"root-coord/database/collection-info/{database}/{collection}", value)
        self._put(f"root-coord/database/db-info/{database}", _DATABASE)

    def load(self, collection: int, replicas: int) -> None:
        for number in range(replicas):
            self._put(f"querycoord-replica/{collection}/{collection + 100 + number}", _REPLICA)
        self._put(f"querycoord-collection-loadinfo/{collection}", _LOAD)
        self._put(f"querycoord-partition-loadinfo/{collection}/{collection + 1}", _LOAD)

    def release(self, collection: int) -> None:
        self.drop(f"querycoord-collection-loadinfo/{collection}")
        for kind in ("partition-loadinfo", "replica"):
            below = f"{self.prefix}querycoord-{kind}/{collection}/"
            body: dict[str, object] = {"key": coded(below), "range_end": coded(end_of(below))}
            self.etcd.post("/v3/kv/deleterange", body)

    def drop(self, key: str) -> None:
        self.etcd.post("/v3/kv/deleterange", {"key": coded(f"{self.prefix}{key}")})

    def _put(self, key: str, value: bytes) -> None:
        body: dict[str, object] = {
            "key": coded(f"{self.prefix}{key}"),
            "value": base64.b64encode(value).decode(),
        }
        self.etcd.post("/v3/kv/put", body)
