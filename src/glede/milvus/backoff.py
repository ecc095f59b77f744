"""Which pods of Milvus wait for their next start though nothing that they need is missing.

Milvus ends itself when it loses what it needs, and again at each start until that is back; the kubelet lets a
container that ends wait for twice as long each time, up to five minutes. So pods would go on waiting when the
outage is over. A pod that is made anew starts at once.
"""

from collections.abc import Sequence

from glede.milvus.desired import Desired
from glede.milvus.observed import DependencyState, Observed
from glede.milvus.podviews import PodView


def kept_waiting(
    wanted: Desired, observed: Observed, states: Sequence[DependencyState]
) -> tuple[PodView, ...]:
    """Give the pods to make anew.

    Only of components whose every pod has run from this template: what ends from the start is wrong itself,
    and is taken back. None while a dependency is away, which would end them again, and no member of one.
    """
    if not all(state.ready for state in states):
        return ()
    proven: dict[str, bool] = {}
    for component, ref, _ in wanted.deployments():
        view = observed.workload(ref)
        proven[component] = proven.get(component, True) and view is not None and view.rolled
    return tuple(
        pod
        for pod in observed.pods
        if pod.backing_off and proven.get(pod.component) and not (pod.deleting or pod.canary)
    )
