"""The operator, put together: what it watches, reconciles and serves."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import glede
from glede.canary import Watcher
from glede.kube import objects
from glede.kube.applied import Applier
from glede.kube.controller import Controller
from glede.kube.errors import Forbidden, NotFound
from glede.kube.http import HttpTransport
from glede.kube.manager import Manager, Settings
from glede.kube.metrics import Metrics
from glede.kube.objects import Key, Object, Resource
from glede.kube.queue import WorkQueue
from glede.kube.transport import Transport
from glede.milvus.act import Actor
from glede.milvus.canaries import Canaries, MetricsOf, ProxyReader, metrics_of
from glede.milvus.canarysearch import CanaryReader, CanaryWatch, Counts
from glede.milvus.controller import MilvusReconciler
from glede.milvus.external import Externals
from glede.milvus.fences import PACE as FENCE_PACE
from glede.milvus.fences import Fencer, ask_fences
from glede.milvus.kinds import MANAGER, MILVUS
from glede.milvus.loads import PACE, LoadReader, ask_needed
from glede.milvus.observer import Observer
from glede.milvus.podender import PodEnder
from glede.milvus.probe import Prober
from glede.milvus.revival import Reviver
from glede.milvus.room import RoomMaker
from glede.milvus.scope import Scope
from glede.milvus.secretreader import SecretReader
from glede.milvus.sessions import LOST, Ender
from glede.milvus.telling import track_milvuses
from glede.milvus.upkeep import Keeper
from glede.milvus.versions import IMAGE_FIELD

_IMAGES = {
    IMAGE_FIELD: "GLEDE_IMAGE_MILVUS",
    "dependencies.etcd.image": "GLEDE_IMAGE_ETCD",
    "dependencies.storage.image": "GLEDE_IMAGE_STORAGE",
    "dependencies.kafka.image": "GLEDE_IMAGE_KAFKA",
}
_POD_MONITORS = Key("", "podmonitors.monitoring.coreos.com")


@dataclass(frozen=True, slots=True)
class Options:
    """How an operator runs. ``namespaces`` empty: all namespaces are watched, and the nodes.

    ``images`` replace the default images, by the fields that they stand in for. ``metrics_of`` gives the
    address of a pod's metrics.
    """

    namespaces: tuple[str, ...] = ()
    own_namespace: str = "default"
    lease: str = "glede"
    host: str = "0.0.0.0"  # noqa: S104 - probes and scrapes come from outside the pod
    port: int = 8080
    workers: int = 10
    tool_image: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    metrics_of: MetricsOf = metrics_of


def default_images() -> dict[str, str]:
    """Give the default images that the environment sets, as it does where images come from a mirror."""
    return {field: os.environ[name] for field, name in _IMAGES.items() if os.environ.get(name)}


def default_tool_image() -> str:
    """Give the image that merges settings in Milvus's pods: the operator's own."""
    return os.environ.get("GLEDE_TOOL_IMAGE") or f"ghcr.io/glede/glede-operator:{glede.__version__}"


async def run(options: Options, kubeconfig: Path | None) -> None:
    """Run until SIGTERM. Raises KubeconfigError, ApiError, and what Manager.run raises."""
    metrics = Metrics()
    transport = HttpTransport.connect(
        kubeconfig, manager=MANAGER, version=glede.__version__, observe=metrics.observe_request
    )
    try:
        manager = await build(options, transport, metrics)
        await manager.run()
    finally:
        await transport.aclose()


async def build(options: Options, transport: Transport, metrics: Metrics) -> Manager:
    """Put an operator together over a transport."""
    monitors = await _knows_pod_monitors(transport)
    scopes: dict[str | None, Scope] = {
        namespace: Scope(transport, namespace, pod_monitors=monitors)
        for namespace in (options.namespaces or (None,))
    }

    def scope_of(key: Key) -> Scope:
        return scopes.get(key.namespace) or scopes[None]

    lease = Key(options.own_namespace, options.lease)
    settings = Settings(lease=lease, component=MANAGER, host=options.host, port=options.port)
    manager = Manager(transport, settings, metrics)
    queue = WorkQueue()
    pods = PodEnder(manager.fenced(transport), manager.recorder)
    ender = Ender(lambda outcast: pods.end(outcast.key, outcast.uid, LOST))
    observer = _observer(manager, queue, metrics, options, scope_of)
    reconciler = MilvusReconciler(
        scope_of=scope_of,
        secrets_of=_readers(transport, scopes, scope_of),
        observer=observer,
        sessions=ender,
        actor=_actor(manager.fenced(transport), scope_of, pods),
        recorder=manager.recorder,
        tool_image=options.tool_image or default_tool_image(),
        images={**default_images(), **options.images},
    )
    for scope in scopes.values():
        scope.notify(queue.add)
        scope.on_gone(reconciler.forget)
        scope.pods.add_handler(ender.of_pod)
        for informer in scope.informers():
            manager.add_informer(informer)
    manager.add_task("ends of sessions", ender.run)
    manager.add_controller(
        Controller(MILVUS.kind, queue, reconciler, workers=options.workers, metrics=metrics)
    )
    track_milvuses(metrics.registry, tuple(scopes.values()))
    return manager


def _observer(
    manager: Manager, queue: WorkQueue, metrics: Metrics, options: Options, scope_of: Callable[[Key], Scope]
) -> Observer:
    """Have the manager run all that asks beside the reconciling, each as a task of its own."""

    def again(key: tuple[str, str]) -> None:
        queue.add(Key(*key), urgent=False)

    prober = Prober(again)
    loads = Prober(again, pace=PACE, ask=ask_needed)
    fences = Prober(again, pace=FENCE_PACE, ask=ask_fences)
    watcher = Watcher(ProxyReader().read, again)
    searches = CanaryWatch(lambda key: queue.add(Key(*key), urgent=True), Counts(metrics.registry))
    keeper = Keeper(again, lambda reference, told: manager.recorder.event(dict(reference), *told))
    manager.add_task("probes of external dependencies", prober.run)
    manager.add_task("what is loaded", loads.run)
    manager.add_task("fences of query nodes", fences.run)
    manager.add_task("canaries of proxies", watcher.run)
    manager.add_task("canary searches", searches.run)
    manager.add_task("upkeep of etcd", keeper.run)
    return Observer(
        scope_of=scope_of,
        externals=Externals(prober),
        loads=LoadReader(loads),
        fencer=Fencer(fences),
        canaries=Canaries(watcher, options.metrics_of),
        searches=CanaryReader(searches),
        upkeep=keeper,
    )


async def _knows_pod_monitors(transport: Transport) -> bool:
    """Tell whether Prometheus's operator is there; without the right to look it counts as absent."""
    try:
        await transport.get(objects.CRD, _POD_MONITORS)
    except (NotFound, Forbidden):
        return False
    return True


def _readers(
    transport: Transport, scopes: dict[str | None, Scope], scope_of: Callable[[Key], Scope]
) -> Callable[[Key], SecretReader]:
    readers = {id(scope): SecretReader(transport, scope.secrets.store) for scope in scopes.values()}
    return lambda key: readers[id(scope_of(key))]


def _actor(transport: Transport, scope_of: Callable[[Key], Scope], pods: PodEnder) -> Actor:
    def written(resource: Resource, obj: Object) -> None:
        informer = scope_of(objects.key_of(obj)).held.get(resource)
        if informer:
            informer.saw(obj)

    def gone(resource: Resource, key: Key, uid: str) -> None:
        informer = scope_of(key).held.get(resource)
        if informer:
            informer.gone(key, uid)

    return Actor(transport, Applier(transport, MANAGER, written), gone, RoomMaker(transport), Reviver(pods))
