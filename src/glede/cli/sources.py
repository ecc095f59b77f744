"""The manifest's documents, added to the registry as if they were uploaded."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from glede.api.documentqa import Source
from glede.qa.engine import DEFAULT_TENANT, Engine
from glede.qa.registry.documents import QueueFullError, Upload
from glede.qa.registry.names import clean_name
from glede.qa.service.app import ACCEPTS

BLOCK_BYTES = 1024 * 1024


def add_sources(engine: Engine) -> list[str]:
    """Add what is new in the manifest's folders; gives a message for each file left out."""
    problems = []
    for source in engine.manifest.spec.documents:
        if not source.path.exists():
            problems.append(f"spec.documents: {source.path}: no such file or folder; mend the path")
            continue
        for path, name in _files(source):
            problem = _add(engine, path, name, source.tags)
            if problem:
                problems.append(problem)
    engine.ingest.wake()
    return problems


def _add(engine: Engine, path: Path, name: str, tags: list[str]) -> str | None:
    size = path.stat().st_size
    limit = engine.manifest.spec.limits.upload_bytes
    if size > limit:
        return f"{path}: {size} bytes, the limit is {limit} (limits.uploadBytes)"
    if not size:
        return f"{path}: the file is empty (0 bytes)"
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    try:
        engine.documents.add(DEFAULT_TENANT, Upload(clean_name(name), digest, size, _blocks(path), tags))
    except (QueueFullError, ValueError) as error:
        return f"{path}: {error}"
    return None


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block


def _files(source: Source) -> Iterator[tuple[Path, str]]:
    if source.path.is_file():
        yield source.path, source.path.name
        return
    found = {path for pattern in source.include for path in source.path.glob(pattern) if path.is_file()}
    left_out = {path for pattern in source.exclude for path in source.path.glob(pattern)}
    for path in sorted(found):
        if left_out.intersection((path, *path.parents)):
            continue
        if path.suffix.lower() in ACCEPTS:
            # With the folder's name, so that en/intro.md and zh/intro.md are two documents.
            yield path, path.relative_to(source.path.parent).as_posix()
