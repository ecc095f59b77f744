"""Kubernetes' quantities: 500m, 2, 1.5Gi, 1e3."""

import re
from decimal import Decimal

_QUANTITY = re.compile(
    r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))([eE][+-]?\d{1,2}|[numkMGTPE]|[KMGTPE]i)?", re.ASCII
)
_SUFFIXES = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{suffix: Decimal(1000) ** (power + 1) for power, suffix in enumerate("kMGTPE")},
    **{f"{suffix}i": Decimal(1024) ** (power + 1) for power, suffix in enumerate("KMGTPE")},
}


def parse_quantity(value: object) -> Decimal:
    """Give a quantity as a number. Raises ValueError for what is none."""
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    found = _QUANTITY.fullmatch(str(value).strip()) if plain else None
    if not found:
        raise ValueError("expected a quantity, for example 500m or 2Gi")
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _SUFFIXES:
        return number * _SUFFIXES[suffix]
    return number * Decimal(f"1{suffix}")
