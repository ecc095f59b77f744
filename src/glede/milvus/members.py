"""Which member of a dependency takes its new template next.

Kubernetes would replace the members of a StatefulSet from the last to the first without a look at those that
it has not come to: with the first of three away it takes the last, and the quorum with it. So it is told to
replace none by itself (``OnDelete``), and each member is evicted here, when no other one is missing.
"""

from collections.abc import Sequence

from glede.milvus.observed import DependencyState
from glede.milvus.views import PodView


def next_member(states: Sequence[DependencyState]) -> PodView | None:
    """Give the member to replace now; None where there is none, or where others have to come back first.

    One that is not ready serves nobody, so that it goes at once: its new template may be what mends it. Of
    those that serve, one at a time goes, over all dependencies, etcd first and the log last.
    """
    broken = [pod for state in states for pod in state.outdated if not pod.ready]
    if broken:
        return broken[0]
    for state in states:
        if not state.steady:
            return None
        if state.outdated:
            return state.outdated[0]
    return None
