"""``glede status``: how the Milvus of a cluster are, and what is wrong with one."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import typer
from rich.markup import escape
from rich.table import Table

from glede.cli.cluster import Cluster, ContextOption, KubeconfigOption, NamespaceOption, run
from glede.cli.output import CommandError, console, print_json
from glede.kube.objects import DEPLOYMENT, EVENT, POD, STATEFUL_SET, Key, Object
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import COMPONENT_LABEL, MILVUS_LABEL

MOST_WARNINGS = 10


def status(
    name: Annotated[str, typer.Argument(help="A Milvus; none: a list.", show_default=False)] = "",
    namespace: NamespaceOption = "",
    everywhere: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="List the Milvus of all namespaces.")
    ] = False,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
    output: Annotated[Literal["text", "json"], typer.Option("--output", "-o", help="How to print.")] = "text",
) -> None:
    """Show how the Milvus are, or one of them with its components, pods and warnings."""
    if name and everywhere:
        raise CommandError("-A: lists all Milvus, so it takes no name; give the name with -n NAMESPACE", 2)
    as_json = output == "json"

    async def work(cluster: Cluster) -> None:
        place = namespace or cluster.namespace
        if name:
            found = await seen(cluster, Key(place, name))
            print_json(found) if as_json else _print_one(found)
            return
        listed = await cluster.list(MILVUS, Selection(None if everywhere else place))
        rows = [summary(milvus) for milvus in listed]
        print_json(rows) if as_json else _print_list(rows, "any namespace" if everywhere else place)

    run(work, kubeconfig, context)


async def seen(cluster: Cluster, key: Key) -> Object:
    """Read one Milvus with its workloads, pods and warnings. Raises CommandError, ApiError."""
    milvus = await cluster.get(MILVUS, key)
    mine = Selection(key.namespace, f"{MILVUS_LABEL}={key.name}")
    workloads = [
        workload for kind in (DEPLOYMENT, STATEFUL_SET) for workload in await cluster.list(kind, mine)
    ]
    pods = await cluster.list(POD, mine)
    names = {key.name, *(item["metadata"]["name"] for item in (*workloads, *pods))}
    events = await cluster.list(EVENT, Selection(key.namespace))
    return {
        **summary(milvus),
        "conditions": milvus.get("status", {}).get("conditions", []),
        "derived": milvus.get("status", {}).get("resolved", []),
        "components": [_component(workload) for workload in workloads],
        "pods": [_pod(pod) for pod in pods],
        "warnings": _warnings(events, names),
    }


def summary(milvus: Mapping[str, Any]) -> Object:
    """Give what is told of each Milvus in a list."""
    metadata, told = milvus["metadata"], milvus.get("status") or {}
    return {
        "namespace": metadata["namespace"],
        "name": metadata["name"],
        "mode": (milvus.get("spec") or {}).get("mode", "standalone"),
        "status": told.get("status", "Pending"),
        "ready": told.get("ready", ""),
        "version": told.get("currentVersion", ""),
        "endpoint": told.get("endpoint", ""),
        # Until the operator has seen a change, the status tells of what was before.
        "seen": told.get("observedGeneration") == metadata.get("generation"),
        "created": metadata.get("creationTimestamp", ""),
    }


def _component(workload: Object) -> Object:
    metadata, told = workload["metadata"], workload.get("status") or {}
    [container, *_] = workload["spec"]["template"]["spec"]["containers"]
    return {
        "name": metadata["name"],
        "component": metadata.get("labels", {}).get(COMPONENT_LABEL, ""),
        "ready": told.get("readyReplicas", 0),
        "updated": told.get("updatedReplicas", 0),
        "wanted": workload["spec"].get("replicas", 1),
        "image": container["image"],
    }


def _pod(pod: Object) -> Object:
    told = pod.get("status") or {}
    containers = told.get("containerStatuses") or []
    return {
        "name": pod["metadata"]["name"],
        "component": pod["metadata"].get("labels", {}).get(COMPONENT_LABEL, ""),
        "node": pod["spec"].get("nodeName", ""),
        "phase": "Terminating" if pod["metadata"].get("deletionTimestamp") else told.get("phase", ""),
        "ready": _is_ready(told.get("conditions") or []),
        "restarts": sum(container.get("restartCount", 0) for container in containers),
        "reason": _reason(told, [*(told.get("initContainerStatuses") or []), *containers]),
    }


def _is_ready(conditions: Iterable[Mapping[str, Any]]) -> bool:
    return any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)


def _reason(told: Mapping[str, Any], containers: Iterable[Mapping[str, Any]]) -> str:
    """Say what holds a pod up: a container that waits, or else the pod's own reason."""
    waits = (container.get("state", {}).get("waiting") for container in containers)
    reason = next((wait.get("reason") for wait in waits if wait), None) or told.get("reason")
    if reason:
        return str(reason)
    unmet = (
        c
        for c in told.get("conditions") or []
        if c.get("type") == "PodScheduled" and c.get("status") != "True"
    )
    return next((str(c.get("message") or c.get("reason") or "") for c in unmet), "")


def _warnings(events: Iterable[Object], names: set[str]) -> list[Object]:
    about = [
        e for e in events if e.get("type") == "Warning" and e.get("involvedObject", {}).get("name") in names
    ]
    about.sort(key=moment, reverse=True)
    return [
        {
            "at": moment(event),
            "object": f"{event['involvedObject'].get('kind', '')}/{event['involvedObject']['name']}",
            "reason": event.get("reason", ""),
            "message": event.get("message", ""),
            "count": event.get("count") or 1,
        }
        for event in about[:MOST_WARNINGS]
    ]


def moment(event: Mapping[str, Any]) -> str:
    """Give the time at which an event was last seen, as the API server writes times."""
    series = event.get("series") or {}
    last = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(last or event["metadata"].get("creationTimestamp") or "")


def age(timestamp: str, now: datetime | None = None) -> str:
    """Say how long ago a time of the API server is, in its largest unit: 5d, 3h, 12m, 7s."""
    try:
        then = datetime.fromisoformat(timestamp)
    except ValueError:
        return ""
    seconds = max(0, int(((now or datetime.now(UTC)) - then).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _print_list(rows: list[Object], where: str) -> None:
    if not rows:
        console.print(f"No Milvus in {escape(where)}.")
        return
    table = Table("namespace", "name", "mode", "status", "ready", "version", "age", box=None)
    for row in rows:
        words = [str(row[name]) for name in ("namespace", "name", "mode", "status", "ready", "version")]
        table.add_row(*map(escape, words), age(row["created"]))
    console.print(table)


def _print_one(found: Object) -> None:
    console.print(f"[bold]{escape(found['name'])}[/] in {escape(found['namespace'])}: {_headline(found)}")
    if not found["seen"]:
        console.print("[yellow]The operator has not seen the last change yet: does it run?[/]")
    _table("conditions", ("type", "status", "reason", "message"), found["conditions"])
    components = [{**c, "ready": f"{c['ready']}/{c['wanted']}"} for c in found["components"]]
    _table("components", ("component", "name", "ready", "updated", "image"), components)
    waiting = [pod for pod in found["pods"] if not pod["ready"] or pod["restarts"]]
    _table("pods to look at", ("name", "node", "phase", "restarts", "reason"), waiting)
    recent = [{**w, "age": age(w["at"])} for w in found["warnings"]]
    _table("warnings", ("age", "object", "reason", "message"), recent)


def _headline(found: Object) -> str:
    words = [found["status"], found["mode"], found["version"] and f"version {found['version']}"]
    words += [found["ready"] and f"{found['ready']} pods ready", found["endpoint"]]
    return escape(", ".join(word for word in words if word))


def _table(title: str, columns: tuple[str, ...], rows: Iterable[Mapping[str, Any]]) -> None:
    table = Table(*columns, box=None, title=title, title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*(escape(str(row.get(column, ""))) for column in columns))
    if table.row_count:
        console.print()
        console.print(table)
