"""The operator's benchmark: what is counted, and the report."""

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from bench.operator.growth import OPERATOR, draw, limit
from bench.operator.report import render
from bench.operator.results import Deletion, Requests, Rest, Restart, Results, Samples, Stage, Wave


def requests(**counts: int) -> Requests:
    """Give requests, named VERB_RESOURCE."""
    named = {tuple(name.split("_")): count for name, count in counts.items()}
    return Requests(Counter({(verb, resource): count for (verb, resource), count in named.items()}), 60.0)


def results(rss: float = 70.0, rest: Requests | None = None) -> Results:
    samples = Samples([0.1, 0.2, 0.3])
    made = requests(patch_configmaps=50, get_secrets=1, create_events=9, update_leases=5)
    wave = Wave(50, samples, samples, samples, made, 9.0, {"the operator": 3.0}, rss, Counter(ConfigMap=1))
    return Results(
        command="python -m bench.operator.run",
        load=0.5,
        rss_empty=60.0,
        stages=[
            Stage(
                count=50,
                wave=wave,
                rest=Rest(rest or requests(watch_pods=2, update_leases=30), {OPERATOR: 12.0, "etcd": 6.0}),
                edits=samples,
                repairs={"Deployment deleted": samples, "ConfigMap deleted": Samples([0.01])},
                restart=Restart(requests(list_pods=1), samples, samples),
                rss=rss,
            )
        ],
        deletions=[Deletion(51, 1.0, 9.0)],
        others={"edits": 0.25},
    )


def row(report: str, what: str) -> list[str]:
    line = next(line for line in report.splitlines() if line.startswith(f"| {what}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_events_and_the_lease_are_no_writes_of_the_work() -> None:
    made = requests(patch_configmaps=3, get_secrets=1, create_events=9, update_leases=5)
    assert made.chosen(writes=True).total() == 3
    assert made.chosen(writes=False).total() == 1
    assert made.chosen(writes=True, best_effort=True).total() == 14


def test_the_report_judges_by_the_99th_percentile() -> None:
    report = render(results())
    assert row(report, "edit seen")[3:] == ["0.20 / 0.30 s", "**no**"]
    assert row(report, "deleted Service")[3:] == ["0.01 / 0.01 s", "yes"]
    assert row(report, "writes for 50")[3:] == ["50", "yes"]


def test_watches_at_rest_are_allowed_and_writes_are_not() -> None:
    assert row(render(results()), "at rest, beside")[4] == "yes"
    busy = results(rest=requests(patch_milvuses=1))
    assert row(render(busy), "at rest, beside")[4] == "**no**"


def test_the_processor_at_rest_is_told_as_a_share_of_a_core() -> None:
    report = render(results())
    assert row(report, "... % of a core: the operator")[1:] == ["20.0"]
    assert row(report, "... all programs")[1:] == ["30.0"]
    assert "30% of a core with 50, 20% by the operator" in report


@pytest.mark.parametrize(("rss", "met"), [(90.0, "yes"), (91.0, "**no**")])
def test_memory_has_a_limit(rss: float, met: str) -> None:
    assert row(render(results(rss)), "RSS, 50 CRs")[4] == met


@pytest.mark.parametrize(
    ("whole", "bound"), [(1.5, "the cores bound"), (9.0, "something else than the cores bounds")]
)
def test_what_bounds_a_wave_is_told_from_the_processor_time(whole: float, bound: str) -> None:
    stage = results().stages[0]
    told = limit(replace(stage, wave=replace(stage.wave, whole=whole)), 2)
    assert "60 ms of processor (100% the operator" in told
    assert "2 cores pay for 33.3 of them a second" in told
    assert bound in told


def test_growth_has_a_column_for_each_number_and_a_picture(tmp_path: Path) -> None:
    found = results()
    more = replace(found.stages[0], count=200, rss=80.0, edits=Samples([0.5]))
    found.stages.append(more)
    report = render(found)
    assert row(report, "with so many CRs")[1:] == ["50", "200"]
    assert row(report, "edit seen in the Deployment, p50 / p99 s")[1:] == ["0.20 / 0.30", "0.50 / 0.50"]
    assert row(report, "at rest: requests")[1:] == ["0", "0"]
    draw(found.stages, tmp_path / "growth.svg")
    lines = re.findall(r'<polyline points="([^"]+)"', (tmp_path / "growth.svg").read_text())
    assert [len(points.split()) for points in lines] == [2] * 6
