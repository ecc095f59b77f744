"""The figures in docs/operator/failures are those of drills.md, of the same side."""

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "operator"
SIDES = ("plain Deployments", "the operator")
SEARCHES = re.compile(r"\d+/\d+/\d+ \(\d+ s\)(, \d+/\d+/\d+ \(\d+ s\))*")
PAGES = sorted((DOCS / "failures").glob("*.md"))

Figures = tuple[str, ...]


def rows(path: Path) -> list[list[str]]:
    """Give the rows of all tables of a page that have searches in them."""
    lines = path.read_text(encoding="utf-8").splitlines()
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return [row for row in found if any(map(SEARCHES.fullmatch, row))]


def measured() -> set[tuple[str, Figures]]:
    """Give seconds, searches and lost rows of each drill, by side."""
    found = set()
    for _, *cells in rows(DOCS / "drills.md"):
        found |= {(SIDES[0], tuple(cells[:4])), (SIDES[1], tuple(cells[4:]))}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.stem))
def test_figures_are_copied_from_the_drills(page: Path) -> None:
    known = measured()
    for row in rows(page):
        side = next((name for name in SIDES if row[1].startswith(name)), None)
        assert side, f"{page.name}: found {row[1]!r}, expected one of {SIDES}"
        assert (side, tuple(row[2:])) in known, f"{page.name}: not in drills.md: {row}"


def test_most_pages_have_figures() -> None:
    assert sum(bool(rows(page)) for page in PAGES) > len(PAGES) / 2
