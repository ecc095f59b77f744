"""What every benchmark does with its report."""

from collections.abc import Sequence
from pathlib import Path


def publish(report: str, out: Path | None) -> None:
    """Print a report, and write it to a file where one is named."""
    print(report)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report, encoding="utf-8")


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the lines of a table in Markdown, and the empty one after it."""
    lines = [f"| {' | '.join(heads)} |", f"|{'|'.join(' --- ' for _ in heads)}|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]
