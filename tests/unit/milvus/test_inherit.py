from glede.api.milvus.components import Component, Components, Group
from glede.milvus.inherit import grouped, inherited


def merged(everywhere: dict[str, object], own: dict[str, object]) -> Component:
    return inherited(Components.model_validate(everywhere), Component.model_validate(own))


def test_a_component_replaces_what_is_set_for_all() -> None:
    found = merged(
        {"nodeSelector": {"disk": "ssd"}, "tolerations": [{"key": "a"}], "schedulerName": "one"},
        {"nodeSelector": {"gpu": "yes"}},
    )

    assert found.node_selector == {"gpu": "yes"}
    assert found.tolerations == [{"key": "a"}]
    assert found.scheduler_name == "one"


def test_an_empty_value_leaves_the_global_one_but_for_resources_volumes_and_probes() -> None:
    everywhere = {
        "nodeSelector": {"a": "b"},
        "resources": {"limits": {"cpu": "1"}},
        "volumes": [{"name": "v"}],
    }
    found = merged(everywhere, {"nodeSelector": {}, "resources": {}, "volumes": []})

    assert found.node_selector == {"a": "b"}
    assert found.resources == {}
    assert found.volumes == []


def test_for_a_label_set_twice_the_global_value_wins() -> None:
    found = merged(
        {"podLabels": {"team": "all"}, "podAnnotations": {"x": "all"}},
        {"podLabels": {"team": "one", "own": "1"}, "podAnnotations": {"x": "one"}},
    )

    assert found.pod_labels == {"team": "all", "own": "1"}
    assert found.pod_annotations == {"x": "all"}


def test_variables_and_mounts_merge_and_the_components_win() -> None:
    found = merged(
        {
            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
            "volumeMounts": [{"name": "x", "mountPath": "/x"}, {"name": "y", "mountPath": "/y"}],
        },
        {
            "env": [{"name": "B", "value": "2"}],
            "volumeMounts": [{"name": "z", "mountPath": "/y"}],
        },
    )

    assert found.env == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]
    assert found.volume_mounts == [{"name": "x", "mountPath": "/x"}, {"name": "z", "mountPath": "/y"}]


def test_a_group_clears_by_an_empty_value_and_inherits_by_none() -> None:
    component = Component.model_validate(
        {
            "nodeSelector": {"a": "b"},
            "tolerations": [{"key": "t"}],
            "podLabels": {"x": "1"},
            "env": [{"name": "A"}],
        }
    )
    group = Group.model_validate(
        {
            "name": "g",
            "replicas": 2,
            "nodeSelector": {},
            "labels": {"x": "2"},
            "extraEnv": [{"name": "A", "value": "v"}],
        }
    )

    found = grouped(component, group)

    assert found.node_selector == {}
    assert found.tolerations == [{"key": "t"}]
    assert found.pod_labels == {"x": "2"}
    assert found.env == [{"name": "A", "value": "v"}]
    assert found.replicas == 2
