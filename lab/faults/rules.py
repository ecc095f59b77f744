"""Packet filter rules that last for a block, in a table of their own."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lab.commands import run
from lab.nodes.layout import Node

# Before the translation of service addresses where the hook has it, and before every other filter.
PRIORITY = -250


@contextlib.contextmanager
def rules(chains: Mapping[str, Sequence[str]], node: Node | None = None) -> Iterator[None]:
    """Apply rules by hook, in a node's namespace or in this machine's own. Raises LabError."""
    table = f"lab_fault_{secrets.token_hex(4)}"
    lines = [f"table inet {table} {{"]
    for hook, wanted in chains.items():
        lines += [f"chain {hook} {{", f"type filter hook {hook} priority {PRIORITY}", *wanted, "}"]
    text = "\n".join([*lines, "}"]) + "\n"
    nft: list[str | Path] = node.inside("nft") if node else ["nft"]
    run([*nft, "-f", "-"], stdin=text.encode())
    try:
        yield
    finally:
        run([*nft, "delete", "table", "inet", table])
