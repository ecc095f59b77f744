"""Where the canary of a change is: which of its steps comes next, from what is wanted and what there is.

It is made in the proxies' turn, watched when all of its pods are available, and then either the proxies'
own Deployment takes the new template, or the change is not followed. What is remembered is on the objects:
a canary that is there with the template that is wanted goes on to be watched, from the beginning after an
operator's death; proxies that have the new template need no canary any more. Only that a canary was not
well, where the manifest stays, is kept in the status.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Literal

from glede.api.milvus.canary import Canary
from glede.api.milvus.components import Proxy
from glede.milvus.deadline import Overdue
from glede.milvus.desired import Desired, Object, Ref, ref_of, template_of
from glede.milvus.observed import Observed
from glede.milvus.podviews import PodView
from glede.milvus.resolved import Resolved
from glede.milvus.rollback import came_back
from glede.milvus.views import WorkloadView

# In the status.
FAILED = "canary"
# In these it matters what its pods' metrics show.
WATCHED = frozenset({"watched", "unread", "good", "bad"})
Phase = Literal["none", "missing", "starting", "watched", "unread", "good", "bad", "over", "rolling"]


@dataclass(frozen=True, slots=True)
class Trial:
    """A canary: ``main`` is the Deployment that waits for it, ``ref`` its own, with so many ``pods``.

    ``missing``: it is to be made; ``starting``: its pods are; ``unread``: their metrics cannot be read;
    ``over``: it was bad, as the status tells already; ``rolling``: it was good, and stays until the others
    are new too; ``none``: nobody waits for one. ``words`` say what is waited for, or what is bad, and
    ``overdue`` why the change fails.
    """

    phase: Phase = "none"
    main: Ref | None = None
    ref: Ref | None = None
    pods: int = 0
    words: str = ""
    overdue: Overdue = field(default_factory=Overdue)

    def holds(self, ref: Ref, *, gated: bool = False) -> bool:
        """Tell whether a Deployment waits for it. Where nothing may begin (``gated``), it does not either."""
        return ref == self.main and self.phase not in {"none", "good", "rolling"} and not self._may_not(gated)

    def now(self, *, gated: bool = False) -> int | None:
        """Give how many pods it has now; None where it is not to be there."""
        return None if self.phase in {"none", "over"} or self._may_not(gated) else self.pods

    def _may_not(self, gated: bool) -> bool:
        return gated and self.phase == "missing"


def limits_of(resolved: Resolved) -> Canary | None:
    """Give what the manifest says of a canary; None where it wants none."""
    for workload in resolved.workloads:
        if isinstance(workload.settings, Proxy) and workload.settings.canary:
            return workload.settings.canary
    return None


def trial(resolved: Resolved, wanted: Desired, observed: Observed) -> Trial:
    """Tell where the canary of a change is, whosever turn it is.

    There is none on the way back, nor where no proxy is there to compare with: what does not serve may be
    mended by the change.
    """
    found = _main(wanted)
    asked = limits_of(resolved)
    if wanted.canary is None or found is None or asked is None or came_back(resolved.milvus):
        return Trial()
    ref, obj = found
    own = ref_of(wanted.canary)
    main, view = observed.workload(ref), observed.workload(own)
    if main is None or main.paused or not main.available:
        return Trial()
    if main.template == template_of(obj):
        return _rolling(Trial("rolling", ref, own), view, observed) if view and not main.rolled else Trial()
    pods = _pods(asked.share, obj["spec"].get("replicas") or main.replicas)
    failed = resolved.milvus.status.get(FAILED) or {}
    if failed.get("generation") == resolved.milvus.metadata.generation:
        reason = str(failed.get("reason", ""))
        return Trial("over", ref, own, pods, "the canary was not well", Overdue(reason))
    if view is None or view.owned.deleting or view.template != template_of(wanted.canary):
        return Trial("missing", ref, own, pods, f"{_some(pods)} of proxy is made first")
    if "replicas" not in obj["spec"]:
        # An autoscaler changes the number of proxies at any time, and would begin the watch anew each time.
        pods = max(1, view.replicas)
    return _of_pods(Trial("starting", ref, own, pods), view, asked, observed)


def _main(wanted: Desired) -> tuple[Ref, Object] | None:
    """Give the Deployment that a canary stands beside."""
    found = [(ref, obj) for component, ref, obj in wanted.deployments() if component == "proxy"]
    return found[0] if len(found) == 1 else None


def _pods(share: int | str, proxies: int) -> int:
    """Give the number of pods; a share is rounded up."""
    text = str(share)
    number = math.ceil(proxies * int(text[:-1]) / 100) if text.endswith("%") else int(text)
    return max(1, min(number, proxies))


def canary_pods(observed: Observed) -> list[PodView]:
    """Give the pods of the canary that serve. One that a node has thrown out may stay listed beside them."""
    return [pod for pod in observed.pods if pod.canary and pod.ready and not pod.deleting]


def _of_pods(at: Trial, view: WorkloadView, asked: Canary, observed: Observed) -> Trial:
    staying = [pod for pod in observed.pods if pod.canary and not pod.deleting]
    crashed, trouble = (_trouble(staying, ran=ran) for ran in (True, False))
    if crashed and view.rolled:
        return _bad(at, crashed)
    ready = len(canary_pods(observed))
    if not view.rolled or {view.replicas, view.available, ready} != {at.pods}:
        late = view.overdue
        overdue = Overdue(f"canary of proxy: {trouble or late.words}", late.since) if late.words else late
        made = [f"{_some(at.pods)} of proxy is being made, {ready} of {at.pods} ready", trouble]
        return Trial("starting", at.main, at.ref, at.pods, ": ".join(filter(None, made)), overdue)
    watched = observed.watched
    if watched and watched.state == "bad":
        return _bad(at, watched.words)
    if watched and watched.state == "good":
        return Trial("good", at.main, at.ref, at.pods, watched.words)
    words = f"{_some(at.pods)} of proxy is watched for {asked.watch_seconds} s"
    if watched and watched.state == "unread":
        why = (
            f"its metrics cannot be read: {watched.words}. It goes on when they can; without the section "
            "spec.components.proxy.canary it goes on without"
        )
        return Trial("unread", at.main, at.ref, at.pods, f"{words}; {why}")
    return Trial("watched", at.main, at.ref, at.pods, words)


def _rolling(at: Trial, view: WorkloadView, observed: Observed) -> Trial:
    watched = observed.watched
    words = f"a canary was good: {watched.words}" if watched and watched.state == "good" else ""
    return replace(at, pods=view.replicas, words=words)


def _trouble(pods: Iterable[PodView], *, ran: bool) -> str:
    """Say what is wrong with one of these pods, or of those that have ``ran``; "" for nothing."""
    found = (pod for pod in pods if pod.trouble and (pod.ran or not ran))
    return next((f"pod {pod.key.name} {pod.trouble}" for pod in found), "")


def _bad(at: Trial, why: str) -> Trial:
    words = f"canary of proxy, {_some(at.pods)}: {why}"
    return Trial("bad", at.main, at.ref, at.pods, words, Overdue(words))


def _some(pods: int) -> str:
    return "1 new pod" if pods == 1 else f"a canary of {pods} new pods"
