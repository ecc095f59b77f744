"""Whether components took turns: a judgement on all that happened to a Milvus's Deployments."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tests.kube.matrix.chronicle import Change, Name, Now
from tests.kube.matrix.lines import Step
from tests.kube.matrix.manifests import NAME
from tests.kube.matrix.scene import is_rolled, pod_spec

from glede.kube.objects import Object
from glede.milvus.labels import TEMPLATE_ANNOTATION


def name_of(component: str) -> Name:
    """Give the Deployment of a component."""
    return Name("deployments", f"{NAME}-milvus-{component}")


def has(body: Object | None, image: str) -> bool:
    """Tell whether a Deployment is there and has this image."""
    return body is not None and pod_spec(body)["containers"][0]["image"] == image


def deployed(now: Now) -> set[str]:
    """Give the components that there are."""
    return {name.name.rpartition("-")[2] for name in now if name.plural == "deployments"}


def templates(now: Now) -> dict[Name, Object]:
    """Give the pod templates of all Deployments, with their digests."""
    return {
        name: {**body["spec"]["template"], "digest": body["metadata"]["annotations"][TEMPLATE_ANNOTATION]}
        for name, body in now.items()
        if name.plural == "deployments"
    }


@dataclass
class Turns:
    """Follows a step through all of its states; ``back``: the way back from it, in the reverse order."""

    step: Step
    now: Now
    back: bool = False
    _whole: set[str] = field(default_factory=set)

    def faults(self, changes: Iterable[Change]) -> list[str]:
        """Give each moment at which something was not in its turn, or lacked a pod that it need not lack."""
        found = []
        for component in self.step.order:
            self._is_whole(component)
        for change in changes:
            if change.type == "DELETED":
                self.now.pop(change.name, None)
            else:
                self.now[change.name] = change.body
            words = [*self._out_of_turn(), *self._lacking(change)]
            found += [f"{word} at version {change.version}" for word in words]
        return found

    def _order(self) -> Sequence[str]:
        return self.step.order[::-1] if self.back else self.step.order

    def _out_of_turn(self) -> Iterator[str]:
        """Each is new only when all before it are new and whole, and what goes after those is gone."""
        image = self.step.images[0 if self.back else 1]
        done = True
        for component in self._order():
            body = self.now.get(name_of(component))
            if has(body, image) and not done:
                yield f"{component} began before its turn"
            done = done and has(body, image) and self._is_whole(component)
            leaving = [] if self.back else [old for old, to in self.step.leaving.items() if to == component]
            left = [old for old in leaving if name_of(old) in self.now]
            if not done and left != leaving:
                yield f"{leaving} went before {component} was whole: {left} are left"
            done = done and not left

    def _is_whole(self, component: str) -> bool:
        """Tell whether every pod of a component has had its template of now; that ends with the template."""
        body = self.now.get(name_of(component))
        if body is None:
            return False
        template = f"{component} {body['metadata']['annotations'][TEMPLATE_ANNOTATION]}"
        if is_rolled(body):
            self._whole.add(template)
        return template in self._whole

    def _lacking(self, change: Change) -> Iterator[str]:
        """Where pods are replaced by one more and none fewer, none is ever missing."""
        if change.type == "DELETED" or change.body["spec"]["strategy"]["type"] == "Recreate":
            return
        status = change.body.get("status", {})
        available, wanted = status.get("availableReplicas", 0), change.body["spec"]["replicas"]
        was_whole = any(
            condition["type"] == "Progressing" and condition["reason"] == "NewReplicaSetAvailable"
            for condition in status.get("conditions", [])
        )
        if was_whole and available < wanted:
            yield f"{change.name.name} has {available} of {wanted} pods"
