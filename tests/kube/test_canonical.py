"""One form for what means the same, and the part of an object that is ours."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kube import rich
from tests.kube.live import config_map

from glede.kube.applied import rendered_digest
from glede.kube.canonical import canonical, digest, quantity
from glede.kube.fields import ABSENT, owned_part
from glede.kube.objects import Object

NAMES = st.sampled_from(["a", "b", "c", "f:a", "."])
LEAVES: st.SearchStrategy[Any] = st.one_of(
    st.integers(), st.text(max_size=3), st.lists(st.integers(), max_size=3), st.just({})
)


def maps(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(NAMES, below, min_size=1, max_size=3)


def keyed_lists(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    items = maps(below).flatmap(lambda item: NAMES.map(lambda name: {**item, "name": name}))
    return st.lists(items, min_size=1, max_size=3, unique_by=lambda item: item["name"])


OBJECTS = maps(st.recursive(LEAVES, lambda below: maps(below) | keyed_lists(below), max_leaves=5))


def fields_of(value: Any) -> Object:
    """Give the fieldsV1 of an apply of a value: lists of objects are keyed by name, others atomic."""
    if isinstance(value, dict):
        return {f"f:{name}": fields_of(child) for name, child in value.items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {f"k:{json.dumps({'name': item['name']})}": {".": {}, **fields_of(item)} for item in value}
    return {}


def with_others(value: Any) -> Any:
    """Give a value as it is when others have added to every map and keyed list, at both ends."""
    if isinstance(value, dict) and value:
        return {**{name: with_others(child) for name, child in value.items()}, "theirs": 1}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [{"name": "theirs"}, *map(with_others, value), {"name": "theirs too"}]
    return value


@given(OBJECTS)
def test_our_part_is_what_we_applied_whatever_others_add(obj: Object) -> None:
    assert owned_part(with_others(obj), fields_of(obj)) == obj


@given(OBJECTS, OBJECTS)
def test_fields_of_another_shape_are_named_as_absent(one: Object, another: Object) -> None:
    part = owned_part(another, fields_of(one))
    assert set(part) == set(one)
    assert all(name in another or part[name] == {ABSENT: fields_of(one[name])} for name in part)


def test_members_of_sets_are_found_by_value_or_place() -> None:
    obj = {"finalizers": ["x", "ours", 1], "args": ["a", "b"]}
    fields: Object = {"f:finalizers": {'v:"ours"': {}, "v:1": {}}, "f:args": {"i:1": {}}}
    assert owned_part(obj, fields) == {"finalizers": ["ours", 1], "args": ["b"]}


def test_what_is_ours_but_not_there_is_named() -> None:
    fields: Object = {
        "f:data": {"f:a": {}},
        "f:list": {'k:{"name":"x"}': {"f:y": {}}, "i:7": {}},
        "f:text": {"f:z": {}},
    }
    assert owned_part({"list": [{"name": "w"}, "v"], "text": "t"}, fields) == {
        "data": {ABSENT: {"f:a": {}}},
        "list": [{ABSENT: {"i:7": {}}}, {ABSENT: {'k:{"name":"x"}': {"f:y": {}}}}],
        "text": {ABSENT: {"f:z": {}}},
    }


@given(OBJECTS)
def test_the_canonical_form_is_stable_and_independent_of_the_order_of_names(obj: Object) -> None:
    backwards = dict(reversed(obj.items()))
    assert canonical(canonical(obj)) == canonical(obj)
    assert digest(backwards) == digest(obj)


SAME_AMOUNTS = [
    ("1000m", "1"),
    ("0.5", "500m"),
    ("1024Mi", "1Gi"),
    ("1e3", "1k"),
    ("1E3", "1000"),
    ("1E", "1e18"),
    (2, "2"),
    (0.5, "500m"),
    ("1.5Gi", "1536Mi"),
    ("100n", "0.1u"),
    (".5", "0.50"),
    ("+1.", "1"),
    ("0Mi", "0"),
]


@pytest.mark.parametrize(("one", "same"), SAME_AMOUNTS)
def test_amounts_that_are_the_same(one: Any, same: Any) -> None:
    assert quantity(one) == quantity(same)


@given(st.one_of(st.text(), st.booleans(), st.none()))
def test_what_is_no_amount_stays(value: Any) -> None:
    found = quantity(value)
    assert found == value or (isinstance(value, str) and float(found) is not None)


@pytest.mark.parametrize(("one", "another"), [("1", "1m"), ("1M", "1Mi"), ("1e3", "1e4"), (1, 2)])
def test_amounts_that_differ(one: Any, another: Any) -> None:
    assert quantity(one) != quantity(another)


def test_only_amounts_are_read_as_amounts() -> None:
    assert rendered_digest(config_map("a", "b", limits="1000m")) != rendered_digest(
        config_map("a", "b", limits="1")
    )
    one, another = rich.deployment("a"), rich.deployment("a")
    rich.main(another)["env"][0]["value"] = "1"
    assert rendered_digest(one) != rendered_digest(another)
