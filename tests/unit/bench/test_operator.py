"""The operator's benchmark: what is counted, and the report."""

from collections import Counter

import pytest
from bench.operator.report import render
from bench.operator.results import Deletion, Requests, Restart, Results, Samples, Wave


def requests(**counts: int) -> Requests:
    """Give requests, named VERB_RESOURCE."""
    named = {tuple(name.split("_")): count for name, count in counts.items()}
    return Requests(Counter({(verb, resource): count for (verb, resource), count in named.items()}), 60.0)


def results(rss: float = 70.0) -> Results:
    samples = Samples([0.1, 0.2, 0.3])
    made = requests(patch_configmaps=50, get_secrets=1, create_events=9, update_leases=5)
    wave = Wave(50, samples, samples, samples, made, 9.0, {"the operator": 3.0}, rss, Counter(ConfigMap=1))
    return Results(
        command="python -m bench.operator.run",
        load=0.5,
        rss_empty=60.0,
        waves=[wave],
        edits=samples,
        repairs={"Deployment deleted": samples, "ConfigMap deleted": Samples([0.01])},
        rest=requests(watch_pods=2, update_leases=30),
        restart=Restart(requests(list_pods=1), samples, samples),
        deletion=Deletion(51, 1.0, 9.0),
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
    busy = results()
    busy.rest = requests(patch_milvuses=1)
    assert row(render(busy), "at rest, beside")[4] == "**no**"


@pytest.mark.parametrize(("rss", "met"), [(90.0, "yes"), (91.0, "**no**")])
def test_memory_has_a_limit(rss: float, met: str) -> None:
    assert row(render(results(rss)), "RSS, 50 CRs")[4] == met
