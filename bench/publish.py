"""What every benchmark does with its report."""

from pathlib import Path


def publish(report: str, out: Path | None) -> None:
    """Print a report, and write it to a file where one is named."""
    print(report)
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(report, encoding="utf-8")
