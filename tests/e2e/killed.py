"""Containers of Milvus killed while clients search it: those whose loss is felt most."""

from dataclasses import dataclass

from lab.cluster import pods_of
from lightkube.models.core_v1 import Pod as PodModel
from lightkube.resources.core_v1 import Pod
from tests.e2e.operated import Operated
from tests.e2e.roles import address_of, leading, pod_address

from lab import faults

TOLD_SECONDS = 30


@dataclass
class Killer:
    """Kills a container for good; it is over when its pod's next one runs and the Milvus is whole again."""

    milvus: Operated

    def kill(self, component: str, role: str = "") -> None:
        """Kill a component's container: that of the pod which is registered for a role, or any."""
        api = self.milvus.lab.client(self.milvus.namespace)
        pods = pods_of(api, self.milvus.namespace, {"app.kubernetes.io/component": component})
        pod = next(pod for pod in pods if not role or pod_address(pod) == self._registered(role))
        name, before = str(pod.metadata.name), _restarts(pod)
        with faults.killed_pod(api, pod, wait=False):
            pass
        # A quick one may be back before the status is looked at.
        self.milvus.until(
            f"tells that a {component} is missing",
            lambda: not self.milvus.whole() or _restarts(api.get(Pod, name)) > before,
            TOLD_SECONDS,
        )

    def leader(self, collection: str) -> str:
        """Give the role under which the query node that leads a collection's only shard is registered."""
        found = leading(self.milvus.uri, collection)
        assert len(found) == 1, f"{collection} has several leaders: {found}"
        return found[0]

    def _registered(self, role: str) -> str:
        """Give the address of the process that plays a role, from Milvus's own etcd."""
        api = self.milvus.lab.client(self.milvus.namespace)
        labels = {"app.kubernetes.io/component": "etcd"}
        return address_of(role, pods_of(api, self.milvus.namespace, labels), self.milvus.name)


def _restarts(pod: PodModel) -> int:
    found = (pod.status.containerStatuses if pod.status else None) or []
    return sum(status.restartCount for status in found)
