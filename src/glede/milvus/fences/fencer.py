"""Which query nodes are to be suspended and which to be resumed, told from annotations and the status.

What is suspended is noted in the status before it is asked for, and until it has been resumed: so an operator
that starts anew knows what to take back. It is asked for again and again, since a coordinator forgets it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from glede.api.milvus.spec import Milvus
from glede.milvus.fences.management import FenceAnswer, FenceTarget
from glede.milvus.labels import FENCED
from glede.milvus.observed import NOTED, Fences, Observed
from glede.milvus.podviews import PodView
from glede.milvus.probe import Pace, Prober, ProbeResult
from glede.milvus.render.probes import HEALTH_PORT
from glede.milvus.resolved import Resolved

PACE = Pace(healthy=10.0, unhealthy=3.0, limit=4)
_QUERY_NODE = "querynode"
# Named in a message at most.
_MOST = 8


@dataclass(frozen=True, slots=True)
class Fencer:
    """Keeps query nodes suspended; ``prober`` asks by ``ask_fences``."""

    prober: Prober

    def fences(self, resolved: Resolved, observed: Observed) -> Fences | None:
        """Give where fencing is; None where no query node is fenced, nor is to be freed."""
        milvus = resolved.milvus
        nodes = [pod for pod in observed.pods if pod.component == _QUERY_NODE]
        noted = set(milvus.status.get(NOTED) or ())
        fenced = [pod for pod in nodes if pod.fenced]
        freed = [pod for pod in nodes if not pod.fenced and pod.key.name in noted]
        if not fenced and not freed:
            self.forget(milvus.metadata.uid)
            return None
        if not resolved.version.fences:
            self.forget(milvus.metadata.uid)
            return Fences("FenceUnsupported", f"{_names(fenced)}: {_why_not(resolved)}")
        if not any(pod.ready and not pod.deleting and not pod.fenced for pod in nodes):
            words = f"{_names(fenced)}: no other query node is ready, and one has to take over"
            return Fences("FenceRefused", words, tuple(sorted(noted & {pod.key.name for pod in nodes})))
        now = [pod for pod in fenced if pod.key.name in noted and pod.address]
        result = self.prober.result(_target(milvus, observed, now, freed))
        return _told(fenced, freed, noted, result)

    def forget(self, uid: str) -> None:
        """Ask no more for a Milvus: nothing of it is fenced."""
        self.prober.forget(uid)


def _target(
    milvus: Milvus, observed: Observed, fenced: Sequence[PodView], freed: Sequence[PodView]
) -> FenceTarget:
    meta = milvus.metadata
    doors = [pod for pod in observed.pods if pod.component == "proxy" and pod.ready and pod.address]
    return FenceTarget(
        *(meta.uid, (meta.namespace, meta.name), "etcd", "management"),
        tuple(f"{pod.host}:{HEALTH_PORT}" for pod in sorted(doors, key=lambda pod: pod.address)),
        fenced=tuple(sorted(pod.address for pod in fenced)),
        freed=tuple(sorted(pod.address for pod in freed if pod.address)),
    )


def _told(
    fenced: Sequence[PodView], freed: Sequence[PodView], noted: set[str], result: ProbeResult | None
) -> Fences:
    answer = result if isinstance(result, FenceAnswer) else FenceAnswer(True, "", "")
    waiting = [pod for pod in freed if pod.address and pod.address not in answer.freed]
    kept = tuple(sorted(pod.key.name for pod in (*fenced, *waiting)))
    if result and not isinstance(result, FenceAnswer):
        return Fences("FenceFailed", result.message, kept)
    left = dict(answer.left)
    words = [f"{pod.key.name} {_state(pod, left)}" for pod in fenced]
    words += [f"{pod.key.name} is being freed" for pod in waiting]
    done = not waiting and all(left.get(pod.address) == 0 for pod in fenced if pod.key.name in noted)
    whole = done and all(pod.key.name in noted for pod in fenced)
    return Fences("Fenced" if whole else "Fencing", "; ".join(sorted(words)[:_MOST]), kept)


def _state(pod: PodView, left: dict[str, int | None]) -> str:
    if pod.address not in left:
        return "is being fenced"
    held = left[pod.address]
    if held is None:
        return "is not registered with the coordinator"
    return f"holds {held} segments and channels, which are moved" if held else "is empty, and gets nothing"


def _names(pods: Sequence[PodView]) -> str:
    return ", ".join(sorted(pod.key.name for pod in pods)[:_MOST]) or "query nodes"


def _why_not(resolved: Resolved) -> str:
    if not resolved.version.told:
        return "no version of Milvus is told; set spec.components.version"
    return (
        f"Milvus {resolved.version} cannot empty one query node: that came with 2.5. Take {FENCED} off; "
        "an evicted pod hands over while it stops, and gets a successor"
    )
