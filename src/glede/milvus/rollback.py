"""The manifest that a Milvus last ran well by, kept in its status, and going back to it.

The API server keeps no earlier manifest, and pods alone cannot be taken back: they read settings from a
ConfigMap that has changed as well. Credentials in the manifest are not kept; they are taken from the manifest
of now.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from glede.api.milvus.convert import ManifestProblem, read_milvus
from glede.api.milvus.spec import Milvus
from glede.milvus.credentials import split
from glede.milvus.versions import Version, parse_version

# In the status.
LAST_HEALTHY, BACK = "lastHealthy", "rolledBack"
Plain = Mapping[str, Any]


def kept(milvus: Milvus) -> dict[str, Any]:
    """Give what to keep of a manifest that has proved itself: its generation, and it without credentials."""
    known: dict[str, Any] = milvus.status.get(LAST_HEALTHY) or {}
    if known.get("generation") == milvus.metadata.generation:
        return known
    plain, credentials = _parts(_spec(milvus))
    return {
        "generation": milvus.metadata.generation,
        "spec": json.dumps(plain, sort_keys=True, separators=(",", ":")),
        "credentials": sorted(credentials),
    }


def is_back(milvus: Milvus) -> bool:
    """Tell whether a Milvus was taken back from the manifest that it has now. An edit ends that."""
    back = milvus.status.get(BACK) or {}
    return bool(back.get("generation") == milvus.metadata.generation)


def came_back(followed: Milvus) -> bool:
    """Tell of a manifest to follow whether it is the one of before."""
    back = followed.status.get(BACK) or {}
    return bool(0 < followed.metadata.generation < back.get("generation", 0))


def effective(milvus: Milvus) -> Milvus:
    """Give the manifest to follow: its own, or the one it was taken back to, with that one's generation.

    A deletion follows its own: what becomes of the volumes is as it was written last.
    """
    back = is_back(milvus) and not milvus.metadata.deletion_timestamp
    return (earlier(milvus) if back else None) or milvus


def earlier(milvus: Milvus) -> Milvus | None:
    """Give the manifest that it last ran well by; None where there is no other, or it is not whole."""
    found = milvus.status.get(LAST_HEALTHY) or {}
    generation = found.get("generation", 0)
    if not 0 < generation < milvus.metadata.generation:
        return None
    now, paths = _spec(milvus), frozenset(found.get("credentials", ()))
    if not paths <= _parts(now)[1]:
        return None
    try:
        spec = _restored(json.loads(found["spec"]), now, paths)
        metadata = {**milvus.metadata.model_dump(by_alias=True), "generation": generation}
        return read_milvus({"metadata": metadata, "spec": spec, "status": milvus.status})
    except (ValueError, KeyError, ManifestProblem):
        return None


def may_go_back(milvus: Milvus, wanted: Version, ran: Iterable[tuple[str, str]]) -> bool:
    """Tell whether a rollout that failed is to be taken back.

    Between two release lines only while nothing has run the new one, were it for a moment: it may have
    rewritten what the old one reads. ``ran``: the pods' components, and the images that ran in them.
    """
    if not milvus.spec.components.rollout.rollback or is_back(milvus):
        return False
    old, before = earlier(milvus), milvus.status.get("currentVersion")
    if old is None:
        return False
    same_line = bool(before) and parse_version(before, None).line == wanted.line
    return same_line or all(image == _image_of(old, component) for component, image in ran)


def _image_of(old: Milvus, component: str) -> str:
    """Give the image of a component by an earlier manifest; where that has none, the one that served."""
    components = old.spec.components
    own = components.component(component)
    image = (own.image if own else None) or components.image or old.status.get("currentImage", "")
    return str(image)


def _spec(milvus: Milvus) -> dict[str, Any]:
    return milvus.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _parts(spec: Plain) -> tuple[dict[str, Any], frozenset[str]]:
    """Give a manifest without credentials, and the paths of these: settings have rules of their own."""
    rest = split({name: value for name, value in spec.items() if name != "config"})
    config = split(spec.get("config", {}))
    plain = rest.settings | ({"config": config.settings} if config.settings else {})
    return plain, frozenset((*rest.credentials, *(f"config.{path}" for path in config.credentials)))


def _restored(plain: Plain, now: Plain, paths: frozenset[str], at: str = "") -> dict[str, Any]:
    """Give a manifest with the credentials that stand at these paths now."""
    whole = dict(plain)
    for name, value in now.items():
        path = f"{at}.{name}" if at else str(name)
        if path in paths:
            whole[name] = value
        elif isinstance(value, Mapping):
            below = plain.get(name)
            restored = _restored(below if isinstance(below, Mapping) else {}, value, paths, path)
            if restored:
                whole[name] = restored
    return whole
