"""What is watched in one namespace, or in all of them, and what that shows of one Milvus."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Protocol

from glede.kube import objects
from glede.kube.informer import Informer
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Selection, Transport
from glede.milvus import podviews, secretreader, views
from glede.milvus.desired import Ref
from glede.milvus.kinds import MANAGER, MILVUS, projections
from glede.milvus.labels import MILVUS_LABEL
from glede.milvus.manifest import Manifest, read
from glede.milvus.podviews import NodeView, PodView
from glede.milvus.validate.clash import claims
from glede.milvus.views import Held


class Add(Protocol):
    """Asks for a pass over a Milvus. Urgent ones go first; at the start only those that are ``early`` too."""

    def __call__(self, key: Key, *, urgent: bool, early: bool = False) -> None:
        """Ask for it."""


_BY_MILVUS = "milvus"
_BY_CLAIM = "claim"
_BY_SECRET = "secret"  # noqa: S105 - the name of an index


class Scope:
    """The informers of a namespace; None: of all namespaces, and of the nodes."""

    def __init__(self, transport: Transport, namespace: str | None, *, pod_monitors: bool = False) -> None:
        self._transport = transport
        self._namespace = namespace
        self.pod_monitors = pod_monitors
        self.milvuses: Informer[Manifest] = Informer(transport, MILVUS, Selection(namespace), read)
        self.milvuses.store.add_index(_BY_SECRET, Manifest.secrets)
        self.milvuses.store.add_index(_BY_CLAIM, _claimed)
        kinds = projections()
        if pod_monitors:
            kinds[objects.POD_MONITOR] = views.held(MANAGER)
        self.held: dict[Resource, Informer[Held]] = {
            resource: self._labelled(resource, project) for resource, project in kinds.items()
        }
        self.pods: Informer[PodView] = self._labelled(objects.POD, podviews.pod)
        everything = Selection(namespace, metadata_only=True)
        self.secrets: Informer[Held] = Informer(transport, objects.SECRET, everything, secretreader.project)
        self.secrets.store.add_index(_BY_MILVUS, lambda view: [_index(view.key.namespace, view.milvus)])
        self.nodes: Informer[NodeView] | None = None
        if namespace is None:
            self.nodes = Informer(transport, objects.NODE, Selection(), podviews.node)

    def _labelled(self, resource: Resource, project: Callable[[Object], Any]) -> Informer[Any]:
        informer: Informer[Any] = Informer(
            self._transport, resource, Selection(self._namespace, MILVUS_LABEL), project
        )
        informer.store.add_index(_BY_MILVUS, lambda item: [_index(item.key.namespace, item.milvus)])
        return informer

    def informers(self) -> Iterator[Informer[Any]]:
        """Give all informers."""
        yield self.milvuses
        yield self.pods
        yield self.secrets
        yield from self.held.values()
        if self.nodes:
            yield self.nodes

    def notify(self, add: Add) -> None:
        """Have ``add`` called for each Milvus that a change may concern."""

        def of_child(event: str, _key: Key, old: Any, new: Any) -> None:
            for item in (old, new):
                if item is not None and item.milvus:
                    key = Key(item.key.namespace, item.milvus)
                    add(key, urgent=event != "SYNC" and self._served(key))

        def of_node(event: str, _key: Key, old: NodeView | None, new: NodeView | None) -> None:
            if event != "SYNC" and old != new:
                for manifest in self.milvuses.store.values():
                    add(manifest.key, urgent=False)

        self.milvuses.add_handler(partial(self._of_milvus, add))
        self.secrets.add_handler(of_child)
        self.secrets.add_handler(partial(self._of_secret, add))
        self.pods.add_handler(of_child)
        for informer in self.held.values():
            informer.add_handler(of_child)
        if self.nodes:
            self.nodes.add_handler(of_node)

    def _of_milvus(self, add: Add, event: str, key: Key, old: Manifest | None, new: Manifest | None) -> None:
        early = new is not None and not new.noticed
        add(key, urgent=(early or event != "SYNC") and self._served(key), early=early)
        if event in {"ADDED", "DELETED"} or _moved(old, new):
            for manifest in (old, new):
                for neighbour in self.sharing(manifest) if manifest else ():
                    add(neighbour.key, urgent=False)

    def _of_secret(self, add: Add, event: str, key: Key, _old: Held | None, _new: Held | None) -> None:
        for manifest in self.milvuses.store.by_index(_BY_SECRET, _index(key.namespace, key.name)):
            add(manifest.key, urgent=event != "SYNC")

    def _served(self, key: Key) -> bool:
        """Tell whether a Milvus has served: many new ones must not delay what happens to those that run."""
        manifest = self.milvuses.store.get(key)
        return bool(manifest and manifest.milvus.status.get("currentImage"))

    def on_gone(self, forget: Callable[[str], None]) -> None:
        """Have ``forget(uid)`` called for each Milvus that is gone."""

        def of_milvus(event: str, _key: Key, old: Manifest | None, new: Manifest | None) -> None:
            if old and (event == "DELETED" or (new and new.milvus.metadata.uid != old.milvus.metadata.uid)):
                forget(old.milvus.metadata.uid)

        self.milvuses.add_handler(of_milvus)

    def of(self, key: Key) -> tuple[dict[Ref, Held], tuple[PodView, ...]]:
        """Give the objects and the pods with a Milvus's label."""
        name = _index(key.namespace, key.name)
        found: dict[Ref, Held] = {}
        for resource, informer in self.held.items():
            found |= {
                Ref(resource.kind, held.key): held for held in informer.store.by_index(_BY_MILVUS, name)
            }
        for secret in self.secrets.store.by_index(_BY_MILVUS, name):
            found[Ref(objects.SECRET.kind, secret.key)] = secret
        return found, tuple(self.pods.store.by_index(_BY_MILVUS, name))

    def sharing(self, manifest: Manifest) -> list[Manifest]:
        """Give the other manifests that claim a place outside which this one claims too."""
        found = {
            other.key: other
            for claim in _claimed(manifest)
            for other in self.milvuses.store.by_index(_BY_CLAIM, claim)
        }
        found.pop(manifest.key, None)
        return [found[key] for key in sorted(found)]

    def counts(self) -> tuple[int | None, int]:
        """Give the number of nodes that may take pods (None where they are not seen), and of their zones."""
        if self.nodes is None:
            return None, 1
        usable = [node for node in self.nodes.store.values() if node.usable]
        return len(usable), max(1, len({node.zone for node in usable if node.zone}))


def _index(namespace: str, name: str) -> str:
    return f"{namespace}/{name}"


def _claimed(manifest: Manifest) -> list[str]:
    """Give the places outside that a Milvus takes for itself: whoever takes one too is to hear of it."""
    return [f"{claim.endpoint} {claim.place}" for claim in claims(manifest.milvus)]


def _moved(old: Manifest | None, new: Manifest | None) -> bool:
    return old is not None and new is not None and _claimed(old) != _claimed(new)
