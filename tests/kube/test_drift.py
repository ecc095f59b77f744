"""Every change of what is ours is seen and healed, and no other."""

from collections.abc import AsyncIterator

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube import rich
from tests.kube.digests import OTHER, Change, digest_of, owned, written_nowhere
from tests.kube.live import MANAGER, config_map, connected

from glede.kube import objects
from glede.kube.applied import Applier, rendered_digest
from glede.kube.errors import Conflict
from glede.kube.http import HttpTransport
from glede.kube.objects import Object, Resource, key_of

pytestmark = pytest.mark.anyio

KINDS = [resource.kind for resource, _ in rich.every_kind("any")]


@pytest.fixture
async def other(api: ApiLab) -> AsyncIterator[HttpTransport]:
    """Somebody else."""
    async with connected(api.kubeconfig, OTHER) as found:
        yield found


async def change(other: HttpTransport, resource: Resource, obj: Object, by: Change) -> Object:
    """Change an object as `kubectl edit` does: read, change, replace."""
    while True:
        live = await other.get(resource, key_of(obj))
        by(live)
        try:
            return await other.replace(resource, key_of(obj), live)
        except Conflict:
            continue  # a controller wrote the status meanwhile


OURS: dict[str, Change] = {
    "an image": lambda d: rich.main(d).update(image="registry.k8s.io/pause:3.9"),
    "the order of arguments": lambda d: rich.main(d)["args"].sort(),
    "a value of the environment": lambda d: rich.main(d)["env"][0].update(value="1"),
    "a removed variable": lambda d: rich.main(d)["env"].pop(0),
    "a key of a Secret": lambda d: rich.main(d)["env"][1]["valueFrom"]["secretKeyRef"].update(key="other"),
    "a limit": lambda d: rich.main(d)["resources"]["limits"].update(memory="1025Mi"),
    "a removed request": lambda d: rich.main(d)["resources"]["requests"].pop("cpu"),
    "a removed port": lambda d: rich.main(d)["ports"].pop(),
    "a probe": lambda d: rich.main(d)["livenessProbe"].update(periodSeconds=16),
    "a removed init container": lambda d: rich.pod_spec(d)["initContainers"].pop(),
    "the order of init containers": lambda d: rich.pod_spec(d)["initContainers"].reverse(),
    "one more toleration": lambda d: rich.pod_spec(d)["tolerations"].append({"operator": "Exists"}),
    "a term of affinity": lambda d: rich.pod_spec(d)["affinity"].pop("nodeAffinity"),
    "a volume": lambda d: rich.pod_spec(d)["volumes"][1]["emptyDir"].update(sizeLimit="1025Mi"),
    "one more node label": lambda d: rich.pod_spec(d)["nodeSelector"].update({"x/y": "z"}),
    "a removed label": lambda d: d["metadata"]["labels"].pop("app.kubernetes.io/part-of"),
    "an annotation of pods": lambda d: d["spec"]["template"]["metadata"].update(annotations={}),
    "a surge": lambda d: d["spec"]["strategy"]["rollingUpdate"].update(maxSurge=2),
}


@pytest.mark.parametrize("what", OURS)
async def test_rule_6_a_third_partys_change_of_our_fields_is_seen_and_healed(
    transport: HttpTransport, other: HttpTransport, kube: Client, what: str
) -> None:
    rendered = rich.deployment(kube.namespace)
    applier = Applier(transport, MANAGER, written_nowhere)
    await applier.apply(objects.DEPLOYMENT, rendered, None)

    drifted = await change(other, objects.DEPLOYMENT, rendered, OURS[what])

    assert digest_of(drifted) != rendered_digest(rendered)
    assert await applier.apply(objects.DEPLOYMENT, rendered, owned(drifted))
    healed = await transport.get(objects.DEPLOYMENT, key_of(rendered))
    assert digest_of(healed) == rendered_digest(rendered)


FOREIGN: dict[str, Change] = {
    "replicas": lambda d: d["spec"].update(replicas=5),
    "an annotation": lambda d: d["metadata"]["annotations"].update({"x/y": "z"}),
    "a label of pods": lambda d: d["spec"]["template"]["metadata"]["labels"].update({"x/y": "z"}),
    "a sidecar, first of all": lambda d: rich.pod_spec(d)["containers"].insert(
        0, {"name": "s", "image": "i"}
    ),
    "one more init container": lambda d: rich.pod_spec(d)["initContainers"].insert(
        1, {"name": "s", "image": "i"}
    ),
    "one more variable": lambda d: rich.main(d)["env"].insert(0, {"name": "X", "value": "y"}),
    "one more mount": lambda d: rich.main(d)["volumeMounts"].append({"name": "scratch", "mountPath": "/x"}),
    "one more volume": lambda d: rich.pod_spec(d)["volumes"].insert(0, {"name": "x", "emptyDir": {}}),
    "a default": lambda d: d["spec"].update(revisionHistoryLimit=3),
    "one more limit": lambda d: rich.main(d)["resources"]["limits"].update({"x.example/gpu": "1"}),
}


@pytest.mark.parametrize("what", FOREIGN)
async def test_rule_6_fields_of_others_are_left_alone(
    transport: HttpTransport, other: HttpTransport, kube: Client, what: str
) -> None:
    rendered = rich.deployment(kube.namespace)
    applier = Applier(transport, MANAGER, written_nowhere)
    await applier.apply(objects.DEPLOYMENT, rendered, None)

    changed = await change(other, objects.DEPLOYMENT, rendered, FOREIGN[what])

    assert digest_of(changed) == rendered_digest(rendered)
    assert not await applier.apply(objects.DEPLOYMENT, rendered, owned(changed))


async def test_rule_6_fields_taken_over_by_force_are_taken_back(
    transport: HttpTransport, other: HttpTransport, kube: Client
) -> None:
    rendered = config_map(kube.namespace, ours="1", taken="1", shared="1")
    applier = Applier(transport, MANAGER, written_nowhere)
    await applier.apply(objects.CONFIG_MAP, rendered, None)
    shared = config_map(kube.namespace, rendered["metadata"]["name"], shared="1", theirs="1")
    agreed = await other.apply(objects.CONFIG_MAP, key_of(rendered), shared)
    assert digest_of(agreed) == rendered_digest(rendered)

    taken = config_map(kube.namespace, rendered["metadata"]["name"], taken="2", theirs="1")
    drifted = await other.apply(objects.CONFIG_MAP, key_of(rendered), taken)

    assert digest_of(drifted) != rendered_digest(rendered)
    assert await applier.apply(objects.CONFIG_MAP, rendered, owned(drifted))
    healed = await transport.get(objects.CONFIG_MAP, key_of(rendered))
    assert healed["data"] == {"ours": "1", "taken": "1", "shared": "1", "theirs": "1"}


async def test_rule_6_an_autoscaler_scales_what_we_do_not_render(
    transport: HttpTransport, other: HttpTransport, kube: Client
) -> None:
    rendered = rich.deployment(kube.namespace)
    await transport.apply(objects.DEPLOYMENT, key_of(rendered), rendered)

    await other.patch(objects.DEPLOYMENT, key_of(rendered), {"spec": {"replicas": 3}}, subresource="scale")

    live = await transport.get(objects.DEPLOYMENT, key_of(rendered))
    assert live["spec"]["replicas"] == 3
    assert digest_of(live) == rendered_digest(rendered)
    rendered["spec"]["replicas"] = 2
    assert digest_of(live) != rendered_digest(rendered)
