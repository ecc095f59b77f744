"""One form for what means the same to the API server, and a digest of it.

The API server rewrites quantities, and fills in defaults. Defaults beside our fields are nobody's, but those
inside an atomic map or list, which has one owner as a whole, come back as if we had written them.
"""

from __future__ import annotations

import hashlib
import json
import re
from decimal import Decimal
from typing import Any

from glede.kube.objects import Object

_UNITS = {
    **{
        unit: Decimal(1000) ** power
        for power, unit in enumerate(("n", "u", "m", "", "k", "M", "G", "T", "P", "E"), -3)
    },
    **{unit: Decimal(1024) ** power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)},
}
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d{1,2})|([numkMGTPE]|[KMGTPE]i)?)")

# (field, field below it): every value in it is a quantity.
_QUANTITY_MAPS = {
    ("resources", "limits"),
    ("resources", "requests"),
    ("spec", "overhead"),
}
_QUANTITY_FIELDS = {
    ("emptyDir", "sizeLimit"),
    ("resourceFieldRef", "divisor"),
    ("target", "averageValue"),
    ("target", "value"),
}
# (field, field below it) within what is atomic: the value that the API server fills in.
_DEFAULTS: dict[tuple[str, str], Any] = {
    ("fieldRef", "apiVersion"): "v1",
    ("ports", "protocol"): "TCP",
    ("resourceFieldRef", "divisor"): "0",
    ("serviceAccountToken", "expirationSeconds"): 3600,
    ("spec", "volumeMode"): "Filesystem",
    ("volumeClaimTemplates", "apiVersion"): "v1",
    ("volumeClaimTemplates", "kind"): "PersistentVolumeClaim",
    ("volumeClaimTemplates", "status"): {"phase": "Pending"},
}
_QUANTITY_NAMES = frozenset(name for _, name in _QUANTITY_FIELDS)
_DEFAULT_NAMES = frozenset(name for _, name in _DEFAULTS)


def digest(value: Object) -> str:
    """Give a digest of an object's canonical form: 32 hexadecimal digits."""
    text = json.dumps(canonical(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


def canonical(value: Any, above: str = "", field: str = "") -> Any:
    """Give a value without null, without empty lists and known defaults, and with plain quantities.

    ``field`` is the name that it is found under, ``above`` the field around that; lists do not count.
    """
    if isinstance(value, list):
        return [canonical(item, above, field) for item in value]
    if not isinstance(value, dict):
        return value
    if (above, field) in _QUANTITY_MAPS:
        return {name: quantity(amount) for name, amount in value.items()}
    found = {}
    for name, written in value.items():
        child = written
        # By name first: most fields are neither, and this runs for every object that is seen.
        if name in _QUANTITY_NAMES and (field, name) in _QUANTITY_FIELDS:
            child = quantity(child)
        elif isinstance(child, dict | list):
            child = canonical(child, field, name)
        filled_in = name in _DEFAULT_NAMES and _DEFAULTS.get((field, name)) == child
        if not (child is None or child == [] or filled_in):
            found[name] = child
    return found


def quantity(value: Any) -> Any:
    """Give an amount such as ``1500m``, ``1.5`` or 2 as a plain number in a string; others unchanged."""
    found = _QUANTITY.fullmatch(str(value))
    if isinstance(value, bool) or found is None:
        return value
    number, exponent, unit = found.groups()
    amount = Decimal(number) * (Decimal(10) ** int(exponent) if exponent else _UNITS[unit or ""])
    return f"{amount.normalize():f}"
