"""The store's indexes always fit what it holds."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glede.kube.objects import Key
from glede.kube.store import Store, number_of


class Bird(NamedTuple):
    name: str
    colours: tuple[str, ...]


def store_of_birds() -> Store[Bird]:
    store: Store[Bird] = Store()
    store.add_index("colour", lambda bird: bird.colours)
    return store


KEYS = st.builds(Key, st.sampled_from(["", "a", "b"]), st.sampled_from(["x", "y", "z"]))
COLOURS = st.lists(st.sampled_from(["red", "grey", "white"]), max_size=3).map(tuple)
PUTS = st.tuples(st.just("put"), KEYS, COLOURS, st.integers(1, 20), st.sampled_from(["u1", "u2"]))
REMOVES = st.tuples(st.just("remove"), KEYS, st.just(()), st.just(0), st.sampled_from(["u1", "u2"]))


@given(st.lists(st.one_of(PUTS, REMOVES)))
def test_indexes_fit_the_items_after_any_changes(
    steps: list[tuple[str, Key, tuple[str, ...], int, str]],
) -> None:
    store = store_of_birds()
    model: dict[Key, tuple[Bird, int, str]] = {}
    for action, key, colours, version, uid in steps:
        held = model.get(key)
        bird = Bird(key.name, colours)
        if action == "put":
            newer = held is None or version > held[1]
            assert store.upsert(key, bird, str(version), uid) is newer
            if newer:
                model[key] = (bird, version, uid)
        else:
            mine = held is not None and held[2] == uid
            assert (store.remove(key, uid) is not None) is mine
            if mine:
                del model[key]

    assert set(store) == set(model)
    assert len(store) == len(model)
    assert store.values() == [model[key][0] for key in sorted(model)]
    for namespace in ("", "a", "b"):
        assert store.values(namespace) == [model[k][0] for k in sorted(model) if k.namespace == namespace]
    for colour in ("red", "grey", "white", "none"):
        expected = [model[key][0] for key in sorted(model) if colour in model[key][0].colours]
        assert store.by_index("colour", colour) == expected


def test_an_answer_that_comes_late_does_not_undo_a_newer_one() -> None:
    store = store_of_birds()
    key = Key("a", "x")
    assert store.upsert(key, Bird("new", ()), "10", "u1")

    assert not store.upsert(key, Bird("old", ()), "9", "u1")

    assert store.get(key) == Bird("new", ())


def test_an_object_of_the_same_name_is_not_removed_for_another() -> None:
    store = store_of_birds()
    key = Key("a", "x")
    store.upsert(key, Bird("second", ()), "10", "second")

    assert store.remove(key, "first") is None

    assert store.get(key) == Bird("second", ())


def test_versions_that_are_no_numbers_do_not_hold_anything_back() -> None:
    store = store_of_birds()
    key = Key("a", "x")

    assert number_of("abc") == 0
    assert store.upsert(key, Bird("one", ()), "abc")
    assert store.upsert(key, Bird("two", ()), "abb")


def test_an_index_that_fails_leaves_the_store_as_it_was() -> None:
    store: Store[Bird] = Store()
    store.add_index("first", lambda bird: [bird.colours[0]])
    key = Key("a", "x")
    store.upsert(key, Bird("x", ("red",)), "1")

    with pytest.raises(IndexError):
        store.upsert(key, Bird("x", ()), "2")

    assert store.by_index("first", "red") == [Bird("x", ("red",))]


def test_an_index_is_added_before_the_store_is_filled() -> None:
    store = store_of_birds()
    with pytest.raises(ValueError, match="index colour"):
        store.add_index("colour", lambda bird: bird.colours)
    store.upsert(Key("a", "x"), Bird("x", ()), "1")
    with pytest.raises(ValueError, match="index late"):
        store.add_index("late", lambda bird: bird.colours)
