"""Server-side apply sends nothing at rest, and sees every change of what is ours and of nothing else."""

from collections.abc import AsyncIterator

import pytest
from lab.api import ApiLab
from lightkube import Client
from tests.kube import rich
from tests.kube.digests import OTHER, digest_of, owned, written_nowhere
from tests.kube.faulty import FaultyTransport
from tests.kube.live import MANAGER, QUICK, config_map, connected, eventually, running

from glede.kube import objects
from glede.kube.applied import Applier, owned_digest, project_owned, rendered_digest
from glede.kube.errors import Conflict
from glede.kube.http import HttpTransport
from glede.kube.informer import Informer
from glede.kube.objects import Object, key_of, uid_of, version_of
from glede.kube.transport import Selection

pytestmark = pytest.mark.anyio

KINDS = [resource.kind for resource, _ in rich.every_kind("any")]


@pytest.fixture
async def other(api: ApiLab) -> AsyncIterator[HttpTransport]:
    """Somebody else."""
    async with connected(api.kubeconfig, OTHER) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
async def test_an_applied_object_has_the_digest_of_what_was_rendered(
    transport: HttpTransport, kube: Client, kind: str
) -> None:
    resource, rendered = next(one for one in rich.every_kind(kube.namespace) if one[0].kind == kind)

    answer = await transport.apply(resource, key_of(rendered), rendered)

    assert digest_of(answer) == rendered_digest(rendered)
    again = await transport.apply(resource, key_of(rendered), rendered)
    assert digest_of(again) == digest_of(answer)


def settled(found: list[Informer[Object]]) -> bool:
    """Tell whether controllers have written to everything that they write to."""
    statuses = {obj["kind"]: obj.get("status") or {} for informer in found for obj in informer.store.values()}
    return (
        all(statuses[kind].get("observedGeneration") for kind in ("Deployment", "PodDisruptionBudget"))
        and statuses["StatefulSet"].get("currentRevision") is not None
        and "conditions" in statuses["HorizontalPodAutoscaler"]
        and statuses["PersistentVolumeClaim"].get("phase") == "Pending"
    )


async def test_rule_6_no_write_at_rest(transport: HttpTransport, kube: Client) -> None:
    """Controllers have written statuses, annotations and defaults: still nothing is sent, for any kind."""
    faulty = FaultyTransport(transport)
    selection = Selection(kube.namespace, "app.kubernetes.io/part-of=birds")
    rendered = rich.every_kind(kube.namespace)
    whole = [Informer(faulty, resource, selection, lambda obj: obj) for resource, _ in rendered]
    informers = {r: Informer(faulty, r, selection, project_owned(MANAGER)) for r, _ in rendered}
    applier = Applier(faulty, MANAGER, lambda resource, obj: informers[resource].saw(obj))

    async def apply_all(applier: Applier) -> list[bool]:
        return [
            await applier.apply(resource, obj, informers[resource].store.get(key_of(obj)))
            for resource, obj in rendered
        ]

    async with running(*whole, *informers.values()):
        assert all(await apply_all(applier))
        assert not any(await apply_all(applier)), "own writes are visible at once"
        await eventually(lambda: settled(whole), 30)

        assert not any(await apply_all(applier))
        assert not any(await apply_all(Applier(faulty, MANAGER, written_nowhere))), "nor after a restart"

    assert len(faulty.writes) == len(rendered)


async def test_rule_6_an_answer_other_than_what_was_sent_is_remembered(
    transport: HttpTransport, kube: Client
) -> None:
    """A quantity below a billionth is rounded up: no digest of what is rendered can know that."""
    rendered = rich.deployment(kube.namespace)
    rich.main(rendered)["resources"]["requests"]["cpu"] = "0.0000000001"
    seen: list[Object] = []
    applier = Applier(transport, MANAGER, lambda _resource, obj: seen.append(obj))
    await applier.apply(objects.DEPLOYMENT, rendered, None)
    live = owned(seen[-1])
    assert live.digest != rendered_digest(rendered)

    assert not await applier.apply(objects.DEPLOYMENT, rendered, live)

    restarted = Applier(transport, MANAGER, lambda _resource, obj: seen.append(obj))
    assert await restarted.apply(objects.DEPLOYMENT, rendered, live)
    assert not await restarted.apply(objects.DEPLOYMENT, rendered, owned(seen[-1]))
    rich.main(rendered)["image"] = "registry.k8s.io/pause:3.9"
    assert await restarted.apply(objects.DEPLOYMENT, rendered, owned(seen[-1]))


async def test_rule_6_a_secret_of_which_only_metadata_are_watched(
    transport: HttpTransport, other: HttpTransport, kube: Client
) -> None:
    resource, rendered = rich.every_kind(kube.namespace)[1]
    assert resource == objects.SECRET
    selection = Selection(kube.namespace, metadata_only=True)
    informer = Informer(transport, resource, selection, project_owned(MANAGER))
    informer.pace = QUICK
    applier = Applier(transport, MANAGER, lambda _resource, obj: informer.saw(obj))
    key = key_of(rendered)
    async with running(informer):
        assert await applier.apply(resource, rendered, None)
        assert not await applier.apply(resource, rendered, informer.store.get(key))
        before = informer.store.get(key)

        await other.patch(resource, key, {"metadata": {"annotations": {"x/y": "z"}}})
        await eventually(lambda: informer.store.get(key) != before)
        assert not await applier.apply(resource, rendered, informer.store.get(key))

        before = informer.store.get(key)
        await other.patch(resource, key, {"data": {"password": "b3RoZXI="}})
        await eventually(lambda: informer.store.get(key) != before)
        assert await applier.apply(resource, rendered, informer.store.get(key))
    assert (await transport.get(resource, key))["data"] == rendered["data"]


async def test_another_object_of_the_same_name_is_not_taken_for_ours(
    transport: HttpTransport, other: HttpTransport, kube: Client
) -> None:
    """The view is stale: what it shows was deleted, and then made again by somebody else."""
    rendered = config_map(kube.namespace, ours="1")
    key = key_of(rendered)
    applier = Applier(transport, MANAGER, written_nowhere)
    await applier.apply(objects.CONFIG_MAP, rendered, None)
    stale = owned(await transport.get(objects.CONFIG_MAP, key))
    rendered["data"]["ours"] = "2"
    await other.delete(objects.CONFIG_MAP, key, uid=stale.uid)

    with pytest.raises(Conflict):
        await applier.apply(objects.CONFIG_MAP, rendered, stale)
    theirs = await other.create(objects.CONFIG_MAP, config_map(*key, theirs="1"))
    with pytest.raises(Conflict):
        await applier.apply(objects.CONFIG_MAP, rendered, stale)

    live = await transport.get(objects.CONFIG_MAP, key)
    assert (live["data"], uid_of(live)) == ({"theirs": "1"}, uid_of(theirs))


async def test_what_is_kept_of_an_object(transport: HttpTransport, kube: Client) -> None:
    owner = await transport.apply(
        objects.CONFIG_MAP, objects.Key(kube.namespace, "owner"), config_map(kube.namespace, "owner")
    )
    rendered = config_map(kube.namespace, "owned")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid_of(owner)}
    rendered["metadata"] |= {
        "ownerReferences": [{**reference, "controller": True, "blockOwnerDeletion": True}],
        "finalizers": ["birds.example/b", "birds.example/a"],
    }
    live = await transport.apply(objects.CONFIG_MAP, key_of(rendered), rendered)
    found = owned(live)
    assert found.digest == rendered_digest(rendered)
    assert (found.key, found.uid, found.resource_version) == (key_of(live), uid_of(live), version_of(live))
    assert (found.owner, found.deleting) == (uid_of(owner), False)
    assert owned_digest(live, OTHER) == ""

    await transport.delete(objects.CONFIG_MAP, found.key, uid=found.uid)

    ending = owned(await transport.get(objects.CONFIG_MAP, found.key))
    assert (ending.deleting, ending.digest) == (True, found.digest)
    await transport.patch(objects.CONFIG_MAP, found.key, {"metadata": {"finalizers": None}})


async def test_a_status_has_a_digest_of_its_own(transport: HttpTransport, kube: Client) -> None:
    """Of a kind whose schema knows conditions by their type."""
    rendered = rich.deployment(kube.namespace)
    key = key_of(rendered)
    await transport.apply(objects.DEPLOYMENT, key, rendered)
    condition = {"type": "Flying", "status": "True", "reason": "Wind", "message": "It is up."}
    names = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": key.name}}
    status = {**names, "status": {"conditions": [condition]}}

    live = await transport.apply(objects.DEPLOYMENT, key, status, subresource="status")

    assert owned_digest(live, MANAGER, "status") == rendered_digest(status)
    assert digest_of(live) == rendered_digest(rendered)
    condition["status"] = "False"
    assert owned_digest(live, MANAGER, "status") != rendered_digest(status)
