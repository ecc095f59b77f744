"""Milvus filter expressions. Every value from outside passes through here.

Milvus Lite has no filter templates, so values are quoted: a JSON string literal is also a literal of
Milvus's expression grammar, in which a backslash escapes and a double quote ends.
"""

import json
from collections.abc import Iterable

from glede.qa.store.base import Scope


def literal(value: str | int) -> str:
    """Quote a value for an expression. Raises TypeError for anything but text and whole numbers."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"found {type(value).__name__}, expected text or a whole number in a filter")
    return str(value) if isinstance(value, int) else json.dumps(value, ensure_ascii=False)


def literals(values: Iterable[str | int]) -> str:
    """Quote a list of values."""
    return f"[{', '.join(literal(value) for value in values)}]"


def scope_expression(scope: Scope) -> str:
    """Give the filter of what a question may see."""
    tenant = f"tenant == {literal(scope.tenant)}"
    return f"{tenant} and array_contains_any(tags, {literals(scope.tags)})" if scope.tags else tenant


def range_expression(first: int, end: int) -> str:
    """Give the filter of the keys in ``[first, end)``."""
    return f"key >= {literal(first)} and key < {literal(end)}"
