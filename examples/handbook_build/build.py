"""Build the handbook's PDF, DOCX and HTML files from their Markdown sources.

Run as ``python examples/handbook_build/build.py``. The outputs are byte for byte the same on every run (fixed
dates, no compression), so a rebuild of unchanged sources shows no difference. ``--check`` writes nothing and
exits with status 1 when a file in the handbook is not what its source gives.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from to_docx import docx_bytes
from to_html import html_bytes
from to_pdf import pdf_bytes

HERE = Path(__file__).resolve().parent
HANDBOOK = HERE.parent / "handbook"
SIZE_LIMIT = 1_000_000


@dataclass(frozen=True)
class Output:
    """One generated file: its Markdown source, its place in the handbook, and the function between them."""

    source: str
    target: str
    render: Callable[[str], bytes]


OUTPUTS = (
    Output("high-availability.md", "en/high-availability.pdf", pdf_bytes),
    Output("drills.md", "en/drills.html", html_bytes),
    Output("monitoring.zh.md", "zh/monitoring.docx", docx_bytes),
)


def build(output: Output) -> bytes:
    """The file's bytes; ValueError when it is larger than a handbook file may be."""
    data = output.render((HERE / "sources" / output.source).read_text(encoding="utf-8"))
    if len(data) >= SIZE_LIMIT:
        raise ValueError(
            f"{output.target}: {len(data)} bytes, expected less than {SIZE_LIMIT}; split the source"
        )
    return data


def main() -> int:
    """Write or check every output; the exit status is the number of stale files, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file is out of date")
    check = parser.parse_args().check
    stale = False
    for output in OUTPUTS:
        target = HANDBOOK / output.target
        data = build(output)
        same = target.exists() and target.read_bytes() == data
        stale = stale or not same
        if not check and not same:
            target.write_bytes(data)
        state = "unchanged" if same else ("out of date, run build.py" if check else "written")
        sys.stdout.write(f"{output.target}: {len(data)} bytes, {state}\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    raise SystemExit(main())
