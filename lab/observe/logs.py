"""Logs of pods from the nodes' disks: also of containers that ended, and while the API server is away."""

from pathlib import Path

from lab.nodes.layout import MOST_NODES, nodes


def pod_logs(namespace: str, lines: int = 50) -> dict[str, str]:
    """Give the last lines of each container's log file: "node/pod/container/attempt" to text."""
    found = {}
    for node in nodes(MOST_NODES):
        for path in sorted(node.pod_logs.glob(f"{namespace}_*/*/*.log")):
            pod = path.parents[1].name.split("_")[1]
            found[f"{node.name}/{pod}/{path.parent.name}/{path.stem}"] = _tail(path, lines)
    return found


def _tail(path: Path, lines: int) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""
