"""How the volumes of dependencies grow.

A StatefulSet cannot ask for other claims than those it was made with. So the claims that are there are asked
to grow, then the StatefulSet is deleted without its pods and made again with the new size, which is that of
claims to come.
"""

from dataclasses import dataclass, field
from typing import Any

from glede.api.milvus.quantity import parse_quantity
from glede.kube.objects import Key
from glede.milvus.desired import Ref, ref_of
from glede.milvus.observed import Observed
from glede.milvus.resolved import InClusterPlan, Resolved
from glede.milvus.views import ClaimView

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Larger:
    """A claim that is to ask for more, with the uid that it must still have."""

    key: Key
    uid: str
    size: str


@dataclass(slots=True)
class Growth:
    """Claims that are to grow, and StatefulSets to make anew, by their uids.

    ``kept`` are those that are applied with the size that they have meanwhile, ``gone`` those that are not
    applied, since they are being deleted.
    """

    claims: list[Larger] = field(default_factory=list)
    anew: dict[Ref, str] = field(default_factory=dict)
    kept: dict[Ref, str] = field(default_factory=dict)
    gone: set[Ref] = field(default_factory=set)

    def applied(self, obj: Object) -> Object | None:
        """Give what to apply of a rendered object now; None for nothing."""
        ref = ref_of(obj)
        if ref in self.anew or ref in self.gone:
            return None
        return _asking_for(obj, self.kept[ref]) if ref in self.kept else obj


def growth(resolved: Resolved, observed: Observed) -> Growth:
    """Tell how far the volumes of a Milvus's dependencies are from what its manifest wants."""
    found = Growth()
    for dependency in resolved.dependencies:
        if dependency.in_cluster:
            _grow(resolved.namespace, dependency.in_cluster, observed, found)
    return found


def _grow(namespace: str, plan: InClusterPlan, observed: Observed, found: Growth) -> None:
    ref = Ref("StatefulSet", Key(namespace, plan.workload))
    view = observed.workload(ref)
    if view is None:
        return
    if view.owned.deleting:
        found.gone.add(ref)
    if plan.volume is None or not view.claim:
        return
    wanted = parse_quantity(plan.volume.size)
    smaller = [
        Larger(claim.key, claim.owned.uid, plan.volume.size)
        for claim in _claims(namespace, plan.workload, observed)
        if parse_quantity(claim.size) < wanted
    ]
    found.claims += smaller
    if parse_quantity(view.claim) < wanted and ref not in found.gone:
        # What the API server refuses for the claims must not keep other changes from the pods.
        if smaller:
            found.kept[ref] = view.claim
        else:
            found.anew[ref] = view.owned.uid


def _claims(namespace: str, workload: str, observed: Observed) -> list[ClaimView]:
    found = [
        held
        for ref, held in observed.held.items()
        if isinstance(held, ClaimView)
        and ref.key.namespace == namespace
        and claim_of(ref.key.name, workload)
        and held.size
        and not held.owned.deleting
    ]
    return sorted(found, key=lambda claim: claim.key)


def claim_of(claim: str, workload: str) -> bool:
    """Tell whether a claim is of a StatefulSet: TEMPLATE-WORKLOAD-ORDINAL."""
    stem, _, ordinal = claim.rpartition("-")
    return ordinal.isdigit() and stem.endswith(f"-{workload}")


def _asking_for(obj: Object, size: str) -> Object:
    spec = obj["spec"]
    requests = {"resources": {"requests": {"storage": size}}}
    templates = [
        {**template, "spec": {**template["spec"], **requests}} for template in spec["volumeClaimTemplates"]
    ]
    return {**obj, "spec": {**spec, "volumeClaimTemplates": templates}}
