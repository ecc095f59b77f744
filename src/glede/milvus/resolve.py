"""From a manifest and the world around it to all that is rendered, each derived value with its reason."""

from collections.abc import Iterator
from dataclasses import dataclass

from glede.api.milvus.components import (
    Component,
    Components,
    GroupedComponent,
    PodSettings,
    Proxy,
    ServiceComponent,
    field_of,
)
from glede.api.milvus.spec import Milvus
from glede.milvus.config import Settings, settings_of
from glede.milvus.dependencies import Dependencies, resolve_dependencies
from glede.milvus.facts import Facts
from glede.milvus.inherit import grouped, inherited
from glede.milvus.replicas import Count, Setting, count_of
from glede.milvus.resolved import Derived, Problem, Resolved, Workload
from glede.milvus.resources import default_resources
from glede.milvus.versions import IMAGE_FIELD, arguments_of, components_of, image_of, parse_version

NODES_FIELD = "nodes"


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every workload stands on."""

    milvus: Milvus
    image: str
    setting: Setting


def resolve(milvus: Milvus, facts: Facts, dependencies: Dependencies | None = None) -> Resolved:
    """Resolve a manifest, its dependencies too where they are not given as resolved already.

    What is wrong in it is told in ``problems``; nothing is raised.
    """
    spec = milvus.spec
    image = image_of(spec.components.image, facts.images)
    version = parse_version(spec.components.version, image)
    dependencies = dependencies or resolve_dependencies(milvus, facts, version)
    three = (dependencies.etcd, dependencies.storage, dependencies.log)
    names = components_of(version, cluster=spec.mode == "cluster", written=spec.components.named())
    settings = settings_of(milvus, version, names, three)
    nodes = _most_nodes(facts)
    setting = Setting(nodes, spec.availability.max_replicas, settings.standby, facts.earlier)
    workloads, derived = _workloads(_Ground(milvus, image, setting), names)
    tool_image, tool_problems = _tool_image(spec.components, facts)
    return Resolved(
        milvus=milvus,
        version=version,
        image=image,
        tool_image=tool_image,
        pod_monitors=facts.pod_monitors,
        workloads=workloads,
        etcd=dependencies.etcd,
        storage=dependencies.storage,
        log=dependencies.log,
        settings=settings.values,
        secret_digests={name: secret.digest for name, secret in facts.secrets.items()},
        secret_keys={name: secret.keys for name, secret in facts.secrets.items()},
        derived=(
            *_first(spec.components, image, nodes),
            *derived,
            *settings.derived,
            *dependencies.derived,
        ),
        nodes=nodes,
        restarting=settings.restarting,
        credentials=settings.credentials,
        standby=settings.standby,
        problems=(*_conflicts(spec.components, names, settings), *settings.problems, *tool_problems),
    )


def _most_nodes(facts: Facts) -> int | None:
    """Give the most nodes ever seen: a node that goes must not change templates, and so restart pods."""
    if facts.nodes is None:
        return None
    return max(facts.nodes, facts.earlier.get(NODES_FIELD, 0))


def _first(components: Components, image: str, nodes: int | None) -> Iterator[Derived]:
    if nodes is not None:
        yield Derived(
            NODES_FIELD, nodes, "the most nodes seen that may take pods; what follows is for so many"
        )
    if not components.image:
        yield Derived(IMAGE_FIELD, image, "the default when this was made")


def _workloads(ground: _Ground, names: tuple[str, ...]) -> tuple[tuple[Workload, ...], list[Derived]]:
    workloads: list[Workload] = []
    derived: list[Derived] = []
    components = ground.milvus.spec.components
    for name in names:
        own = components.component(name) or _blank(name)
        settings = inherited(components, own)
        if settings.resources is None:
            resources = default_resources(name)
            settings = settings.changed(resources=resources.values)
            reason = "modest; the load's own needs are for the manifest to say"
            derived.append(Derived(f"spec.components.{field_of(name)}.resources", resources.words, reason))
        groups = (settings.groups or ()) if isinstance(settings, GroupedComponent) else ()
        parts: list[tuple[str | None, Component]] = [
            (group.name, grouped(settings, group)) for group in sorted(groups, key=lambda group: group.name)
        ]
        for group, part in parts or [(None, settings)]:
            count = count_of(name, part, ground.setting)
            workloads.append(_workload(ground, name, group, part, count))
            derived += [count.derived] if count.derived else []
    return tuple(workloads), derived


def _blank(name: str) -> Component:
    if name == "proxy":
        return Proxy()
    if name == "standalone":
        return ServiceComponent()
    return Component()


def _workload(ground: _Ground, name: str, group: str | None, settings: Component, count: Count) -> Workload:
    base = f"{ground.milvus.metadata.name}-milvus-{name}"
    return Workload(
        component=name,
        name=f"{base}-{group}" if group else base,
        arguments=_arguments(name, settings),
        image=settings.image or ground.image,
        settings=settings,
        replicas=count.replicas,
        least=count.least,
        group=group,
        apart=_apart(ground.setting.nodes, group, settings, count),
        labels=settings.pod_labels,
        annotations=settings.pod_annotations,
    )


def _arguments(name: str, settings: PodSettings) -> tuple[str, ...]:
    if settings.commands:
        return tuple(settings.commands)
    more = ("--run-with-subprocess",) if settings.run_with_sub_process else ()
    return (*arguments_of(name), *more)


def _apart(nodes: int | None, group: str | None, settings: Component, count: Count) -> bool:
    """Tell whether each pod may be sure of a node of its own; a chosen part of the nodes is not counted."""
    if nodes is None or count.most is None or group or settings.node_selector:
        return False
    return count.most <= nodes


def _conflicts(components: Components, names: tuple[str, ...], settings: Settings) -> Iterator[Problem]:
    for name in names:
        own = components.component(name)
        several = own is not None and ((own.replicas or 0) > 1 or own.hpa is not None)
        if several and name.endswith("coord") and name not in settings.standby:
            yield Problem(
                "invalid",
                f"spec.components.{field_of(name)}.replicas",
                "asks for several coordinators, and spec.config says enableActiveStandby: false, with which "
                "all but one restart for ever; drop that setting, or ask for one",
            )


def _tool_image(components: Components, facts: Facts) -> tuple[str, tuple[Problem, ...]]:
    """Give the image that merges the settings; milvus-operator's own has another program in it."""
    written = components.tool_image
    if written and "milvus-operator" in written:
        message = f"{written} is the image of another operator, without the program that is run here"
        problem = Problem("unsupported", "spec.components.toolImage", f"{message}; remove it")
        return facts.tool_image, (problem,)
    return written or facts.tool_image, ()
