"""The transport against a real API server."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.api import ApiLab
from lab.certificates import Authority
from lab.kubeconfig import write_kubeconfig
from lightkube import Client
from tests.kube.live import MANAGER, config_map, connected, events_of

from glede.kube import wire
from glede.kube.applied import owned_digest, rendered_digest
from glede.kube.errors import ApiError, Conflict, Forbidden, Invalid, NotFound
from glede.kube.http import HttpTransport
from glede.kube.objects import CONFIG_MAP, LEASE, NODE, SERVICE, Key, Resource, key_of, uid_of, version_of
from glede.kube.transport import Selection

pytestmark = pytest.mark.anyio


async def test_an_object_from_beginning_to_end(transport: HttpTransport, kube: Client) -> None:
    obj = config_map(kube.namespace, a="1")
    key = key_of(obj)
    created = await transport.create(CONFIG_MAP, obj)
    assert [field["manager"] for field in created["metadata"]["managedFields"]] == [MANAGER]

    patched = await transport.patch(CONFIG_MAP, key, {"data": {"a": None, "b": "2"}})
    assert patched["data"] == {"b": "2"}
    applied = await transport.apply(CONFIG_MAP, key, config_map(*key, c="3"), manager="another")
    assert applied["data"] == {"b": "2", "c": "3"}
    replaced = await transport.replace(CONFIG_MAP, key, {**applied, "data": {"d": "4"}})
    assert (await transport.get(CONFIG_MAP, key))["data"] == replaced["data"] == {"d": "4"}
    await transport.delete(CONFIG_MAP, key, uid=uid_of(created))

    with pytest.raises(NotFound):
        await transport.get(CONFIG_MAP, key)


async def test_each_refusal_has_its_error(transport: HttpTransport, kube: Client) -> None:
    obj = config_map(kube.namespace)
    key = key_of(obj)
    created = await transport.create(CONFIG_MAP, obj)
    with pytest.raises(Conflict) as exists:
        await transport.create(CONFIG_MAP, obj)
    assert exists.value.reason == "AlreadyExists"
    await transport.patch(CONFIG_MAP, key, {"data": {"a": "2"}})
    with pytest.raises(Conflict):
        await transport.replace(CONFIG_MAP, key, created)
    with pytest.raises(Conflict):
        await transport.delete(CONFIG_MAP, key, uid="another")
    with pytest.raises(NotFound):
        await transport.delete(CONFIG_MAP, Key(key.namespace, "nothing"), uid="x")
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": key.namespace}}
    with pytest.raises(Invalid, match="ports"):
        await transport.create(SERVICE, {**service, "spec": {"ports": []}})
    with pytest.raises(ApiError, match="prots") as misspelt:
        await transport.apply(SERVICE, Key(key.namespace, "s"), {**service, "spec": {"prots": []}})
    assert misspelt.value.status in (400, 422, 500)
    with pytest.raises(NotFound):
        await transport.list(Resource("x.example", "v1", "kites", "Kite"), Selection())


async def test_without_rights_it_is_forbidden(api: ApiLab, kube: Client, tmp_path: Path) -> None:
    authority = Authority(api.places.pki)
    pair = authority.issue("nobody", "nobody", [])
    config = write_kubeconfig(tmp_path / "nobody", api.server, authority.pair.certificate, pair)
    async with connected(config) as transport:
        with pytest.raises(Forbidden, match="nobody"):
            await transport.list(CONFIG_MAP, Selection(kube.namespace))
        with pytest.raises(Forbidden):
            await events_of(transport, Selection(kube.namespace), "0")


async def test_pages_show_one_moment(transport: HttpTransport, kube: Client) -> None:
    selection = Selection(kube.namespace, "flock=one")
    for number in range(5):
        obj = config_map(kube.namespace, f"m-{number}")
        obj["metadata"]["labels"] = {"flock": "one" if number else "two"}
        await transport.create(CONFIG_MAP, obj)

    first = await transport.list(CONFIG_MAP, selection, limit=3)
    late = config_map(kube.namespace, "m-9")
    late["metadata"]["labels"] = {"flock": "one"}
    await transport.create(CONFIG_MAP, late)
    second = await transport.list(CONFIG_MAP, selection, limit=3, continue_=first.continue_)

    found = [*first.items, *second.items]
    assert [obj["metadata"]["name"] for obj in found] == ["m-1", "m-2", "m-3", "m-4"]
    assert {(obj["apiVersion"], obj["kind"]) for obj in found} == {("v1", "ConfigMap")}
    assert (second.continue_, second.resource_version) == (None, first.resource_version)


async def test_metadata_alone_bring_no_data(transport: HttpTransport, kube: Client) -> None:
    selection = Selection(kube.namespace, metadata_only=True)
    await transport.create(CONFIG_MAP, config_map(kube.namespace, "one", password="geheim"))
    page = await transport.list(CONFIG_MAP, selection)
    await transport.create(CONFIG_MAP, config_map(kube.namespace, "two", password="geheim"))

    events = await events_of(transport, selection, page.resource_version, 1)

    found = [*page.items, *(event.object for event in events if event.type == "ADDED")]
    assert {"one", "two"} <= {obj["metadata"]["name"] for obj in found}
    assert all(set(obj) == {"apiVersion", "kind", "metadata"} for obj in found)
    assert {obj["kind"] for obj in found} == {"ConfigMap"}


async def test_rule_2_bookmarks_come_where_nothing_happens(transport: HttpTransport, kube: Client) -> None:
    """One comes about once a minute, and one shortly before the watch ends."""
    page = await transport.list(CONFIG_MAP, Selection(kube.namespace))
    elsewhere = await transport.create(CONFIG_MAP, config_map("default"))

    for seconds in (4, 4, 8):
        # Soon after its start an API server may send none in so short a time.
        events = await events_of(transport, Selection(kube.namespace), page.resource_version, seconds)
        if events:
            break

    assert [event.type for event in events if event.type == "BOOKMARK"]
    assert int(version_of(events[-1].object)) >= int(version_of(elsewhere))
    await transport.delete(CONFIG_MAP, key_of(elsewhere), uid=uid_of(elsewhere))


async def test_the_environment_names_a_kubeconfig(
    api: ApiLab, kube: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(api.kubeconfig))
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")  # is not used
    transport = HttpTransport.connect(None, manager=MANAGER)
    page = await transport.list(CONFIG_MAP, Selection(kube.namespace))
    await transport.aclose()
    assert page.resource_version


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.booleans(), st.none())))
def test_what_is_encoded_is_json_and_yaml(obj: dict[str, Any]) -> None:
    assert wire.decode(wire.encode(obj)) == obj


async def test_any_text_survives_an_apply(transport: HttpTransport, kube: Client) -> None:
    """The API server reads what is applied as YAML: every character up to U+07FF, and the odd ones beyond."""
    points = [*range(0x800), *range(0x2000, 0x2070), 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x1F985, 0x10FFFF]
    data = {f"c-{point:x}": f" {chr(point)}: {chr(point)}x\n" for point in points}
    obj = config_map(kube.namespace, **data)

    answer = await transport.apply(CONFIG_MAP, key_of(obj), obj)

    assert answer["data"] == data
    assert owned_digest(answer, MANAGER) == rendered_digest(obj)


@pytest.mark.parametrize(
    ("resource", "words", "path"),
    [
        (CONFIG_MAP, ("a", "b"), "/api/v1/namespaces/a/configmaps/b"),
        (CONFIG_MAP, (None,), "/api/v1/configmaps"),
        (CONFIG_MAP, ("",), "/api/v1/configmaps"),
        (NODE, ("", "n", "status"), "/api/v1/nodes/n/status"),
        (LEASE, ("a", "../x"), "/apis/coordination.k8s.io/v1/namespaces/a/leases/..%2Fx"),
    ],
)
def test_paths(resource: Resource, words: tuple[str, ...], path: str) -> None:
    assert resource.path(*words) == path
