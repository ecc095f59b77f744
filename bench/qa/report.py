"""The quality report in Markdown: one table a set, with 95 % bootstrap intervals.

A system without a single hit in a set (a model that does not know the script) gets dashes, not zeros.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.qa.datasets.model import Corpus
from bench.qa.metrics import RANKING_MEASURES, Interval, bootstrap, paired_difference

_LIBRARIES = ("glede", "haystack-ai", "rank-bm25", "jieba", "milvus-lite", "pymilvus", "onnxruntime", "numpy")
LEADING = "nDCG@10"
WHOLE = "glede hybrid+rerank"


@dataclass(frozen=True, slots=True)
class Result:
    """One system's rankings of one set: a list of section ids for each question, and the seconds it took."""

    system: str
    corpus: Corpus
    rankings: Sequence[Sequence[str]]
    index_seconds: float
    search_seconds: float

    def scores(self, measure: str) -> list[float]:
        """The measure of each question, in the questions' order."""
        function = RANKING_MEASURES[measure]
        return [
            function(ranking, question.relevant)
            for ranking, question in zip(self.rankings, self.corpus.questions, strict=True)
        ]


def render(results: Sequence[Result], reference: str | None = None) -> str:
    """The whole report; every system is compared with the one named `reference`, question by question."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.corpus.split, result.corpus.language, result.corpus.name), []).append(
            result
        )
    lines = ["# Retrieval quality", "", "Made by `make bench-qa`. " + environment() + ".", ""]
    if results:
        lines += [*_mean_table(results), *_pooled_table(results)]
    for split in ("tune", "report"):
        chosen = [group for (part, _, _), group in groups.items() if part == split]
        if chosen:
            lines += [f"## Sets used to {split}", ""]
        for group in chosen:
            lines += _set_table(group, reference)
    return "\n".join(lines).rstrip() + "\n"


def environment() -> str:
    """One line: processor, cores, memory, Python and library versions."""
    pieces = [
        _processor(),
        f"{os.cpu_count()} cores",
        f"{_memory_gib():.0f} GiB",
        f"Python {platform.python_version()}",
    ]
    return ", ".join([*pieces, *(f"{name} {found}" for name, found in _versions(_LIBRARIES))])


def _set_table(group: Sequence[Result], reference: str | None) -> list[str]:
    corpus = group[0].corpus
    packages = ", ".join(f"{name} {found}" for name, found in sorted(corpus.packages.items()))
    source = packages or "Files of this repository"
    lines = [
        f"### {corpus.name} ({corpus.language})",
        "",
        f"{len(corpus.sections)} sections, {len(corpus.questions)} questions. {source}.",
        "",
        f"Bias: {corpus.bias}",
        "",
    ]
    base = next((result for result in group if result.system == reference), None)
    heads = ["system", *RANKING_MEASURES, "index s", "ms a question"]
    if base:
        heads.append(f"{LEADING} against {reference}")
    lines += _head(heads)
    for result in group:
        if not any(result.rankings):
            lines.append(f"| {result.system} |{' – |' * (len(heads) - 1)}")
            continue
        cells = [_interval(bootstrap(result.scores(measure))) for measure in RANKING_MEASURES]
        pace = 1000 * result.search_seconds / len(corpus.questions)
        cells += [f"{result.index_seconds:.1f}", f"{pace:.1f}"]
        if base:
            cells.append(_against(result, base))
        lines.append(f"| {result.system} | {' | '.join(cells)} |")
    return [*lines, ""]


def _mean_table(results: Sequence[Result]) -> list[str]:
    """The mean of the sets' means by split and language, for reading only: the sets differ in kind."""
    columns = list(dict.fromkeys((result.corpus.split, result.corpus.language) for result in results))
    systems = list(dict.fromkeys(result.system for result in results))
    lines = ["## Means over sets", "", f"Mean of the sets' {LEADING}, every set counting the same.", ""]
    lines += _head(["system", *(f"{split} {language}" for split, language in columns)])
    for system in systems:
        cells = [_mean(results, system, split, language) for split, language in columns]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return [*lines, ""]


def _pooled_table(results: Sequence[Result]) -> list[str]:
    """The whole retriever against each other system, over all questions of a split and language."""
    columns = list(dict.fromkeys((result.corpus.split, result.corpus.language) for result in results))
    others = [name for name in dict.fromkeys(result.system for result in results) if name != WHOLE]
    if WHOLE not in {result.system for result in results}:
        return []
    lines = [f"## {WHOLE} against each other system", ""]
    lines += [
        f"Difference of {LEADING} question by question, all sets pooled; * where the interval leaves out 0.",
        "",
    ]
    lines += _head(["less", *(f"{split} {language}" for split, language in columns)])
    for other in others:
        cells = [_pooled(results, other, split, language) for split, language in columns]
        lines.append(f"| {other} | {' | '.join(cells)} |")
    return [*lines, ""]


def _pooled(results: Sequence[Result], other: str, split: str, language: str) -> str:
    scores: dict[str, list[float]] = {WHOLE: [], other: []}
    for result in results:
        if result.system in scores and (result.corpus.split, result.corpus.language) == (split, language):
            scores[result.system] += result.scores(LEADING)
    if not any(scores[other]):
        return "–"
    difference = paired_difference(scores[WHOLE], scores[other])
    mark = " *" if difference.low > 0 or difference.high < 0 else ""
    return f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]{mark}"


def _mean(results: Sequence[Result], system: str, split: str, language: str) -> str:
    means = [
        bootstrap(result.scores(LEADING)).mean
        for result in results
        if (result.system, result.corpus.split, result.corpus.language) == (system, split, language)
        and any(result.rankings)
    ]
    return f"{sum(means) / len(means):.3f}" if means else "–"


def _against(result: Result, base: Result) -> str:
    if result is base:
        return "–"
    difference = paired_difference(result.scores(LEADING), base.scores(LEADING))
    mark = " *" if difference.low > 0 or difference.high < 0 else ""
    return f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]{mark}"


def _interval(interval: Interval) -> str:
    return f"{interval.mean:.3f} [{interval.low:.2f}, {interval.high:.2f}]"


def _head(cells: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(cells)} |", f"|{'|'.join(' --- ' for _ in cells)}|"]


def _versions(names: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for name in names:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
