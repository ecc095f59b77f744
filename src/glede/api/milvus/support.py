"""How each field fares beside milvus-operator: the same, better, new, not yet, or no effect (and why)."""

from collections.abc import Mapping

from glede.api.milvus import components as c
from glede.api.milvus import dependencies as d
from glede.api.milvus import spec as s
from glede.api.milvus.base import Model
from glede.api.milvus.canary import Canary
from glede.api.milvus.pods import PodSettings
from glede.api.milvus.status import (
    CanarySearchStatus,
    Condition,
    DeployStatus,
    FailedCanary,
    LastHealthy,
    MilvusStatus,
    ResolvedValue,
    RolledBack,
    RolloutBegun,
)
from glede.api.milvus.upgrade import MilvusReference, MilvusUpgradeSpec, MilvusUpgradeStatus, ReplicasBefore
from glede.api.milvus.windows import Window

VERDICTS = ("same", "better", "new", "not yet", "no effect")

# What is not like milvus-operator, by model and field. Every other field of these models is the same.
DIFFERENT: Mapping[type[Model], Mapping[str, str]] = {
    s.MilvusSpec: {
        "config": "better: a setting that Milvus refreshes restarts nothing, another one only the pods it "
        "concerns; credentials among the settings go to a Secret",
        "availability": "new",
    },
    s.Availability: {"maxReplicas": "new", "zoneSpread": "new", "networkPolicy": "new"},
    PodSettings: {
        "env": "better: a changed Secret that is named here rolls the pods",
        "affinity": "better: without it pods are kept on different nodes",
        "topologySpreadConstraints": "better: without it pods are spread over zones",
        "resources": "better: without it there are modest requests",
        "volumes": "better: a changed Secret rolls the pods that mount it",
        "probes": "better: without it health is asked for, rather than an open port",
        "securityContext": "better: without it all capabilities are dropped",
    },
    c.Component: {
        "replicas": "better: without it derived from the number of nodes",
        "hpa": "new: an autoscaler for one Deployment, which every rollout keeps",
        "podDisruptionBudget": "new: without it one pod may be down",
        "terminationGracePeriodSeconds": "new: without it one or two minutes, rather than a month",
    },
    c.Hpa: {"minReplicas": "new", "maxReplicas": "new", "metrics": "new", "behavior": "new"},
    c.DisruptionBudget: {"enabled": "new", "minAvailable": "new", "maxUnavailable": "new"},
    c.GroupedComponent: {},
    c.Group: {},
    c.ServiceComponent: {"port": "better: status.endpoint has it too"},
    c.Proxy: {"canary": "new"},
    Canary: dict.fromkeys(Canary.fields(), "new"),
    c.Rollout: dict.fromkeys(("progressDeadlineSeconds", "rollback", "canarySearch", "windows"), "new"),
    c.CanarySearch: {"enabled": "new", "secretRef": "new"},
    Window: dict.fromkeys(Window.fields(), "new"),
    c.Ingress: {"hosts": "better: without it every host leads to Milvus"},
    c.Components: {
        "imageUpdateMode": "better: any change of pods is made in order, not of the image alone; force kills "
        "no process",
        "rollout": "new: a change that is not well in time is taken back",
        "toolImage": "better: an image of milvus-operator is told and not used",
        "dummyImage": "no effect: there is no idle second Deployment; told in a condition",
        "updateConfigMapOnly": "better: without it only the pods that a setting concerns are restarted",
        "rollingMode": "no effect: each component has one Deployment; a value other than 2 and 3 is told",
        "enableManualMode": "not yet: told in a condition; replicas: -1 leaves the number of pods alone",
        "activeConfigMap": "not yet: new pods read the newest settings; told in a condition",
        "streamingMode": "no effect: the version decides; a value against it is told",
        "mixCoord": "better: two pods, one of which stands by",
        "queryNode": "better: one Deployment rather than two",
        "standalone": "better: in mode cluster there is no Deployment of no pods",
    },
    d.Dependencies: {
        "msgStreamType": "better: derived once and kept; a cluster from 2.6 has woodpecker, before it kafka"
    },
    d.InCluster: {
        "values": "better: images of the projects themselves and no chart; a value that is not understood is "
        "told in a condition",
        "chartVersion": "no effect: no chart is used",
    },
    d.Etcd: {"inCluster": "better: three members on different nodes where the nodes suffice"},
    d.Storage: {
        "secretRef": "better: the keys reach Milvus by its environment, not by a ConfigMap; a change "
        "rolls the pods",
        "inCluster": "better: its keys are made up, and a cluster has four servers with erasure coding",
    },
    d.StorageTls: {},
    d.Pulsar: {"inCluster": "not yet: refused with a message; use kafka, or an external Pulsar"},
    d.Kafka: {
        "secretRef": "better: a change rolls the pods",
        "inCluster": "better: KRaft, without ZooKeeper",
    },
    d.EmbeddedLog: {},
    d.Persistence: {},
    d.VolumeClaim: {},
    d.Woodpecker: {},
    d.QuorumBufferPool: {},
    d.Tei: {
        "enabled": "not yet: told in a condition; run it beside Milvus",
        "inCluster": "not yet",
    },
    MilvusStatus: {
        "conditions": "better: Ready, Progressing, Degraded and SpecAccepted too",
        "endpoint": "better: with the port of the manifest",
        "rollingModeVersion": "no effect: kept as milvus-operator left it",
        **dict.fromkeys(
            (
                *("ready", "resolved", "mode", "volumes", "toolImage", "canary"),
                *("lastHealthy", "rolledBack", "canarySearch", "rolloutBegun", "fencedPods"),
            ),
            "new",
        ),
    },
    Condition: {"observedGeneration": "not yet"},
    LastHealthy: {"generation": "new", "spec": "new", "credentials": "new"},
    RolledBack: {"generation": "new", "reason": "new"},
    CanarySearchStatus: {"result": "new", "message": "new", "since": "new", "generation": "new"},
    RolloutBegun: {"generation": "new", "before": "new"},
    FailedCanary: {"generation": "new", "reason": "new"},
    DeployStatus: {},
    ResolvedValue: {"field": "new", "value": "new", "reason": "new"},
    MilvusUpgradeSpec: dict.fromkeys(MilvusUpgradeSpec.fields(), "not yet"),
    MilvusReference: dict.fromkeys(MilvusReference.fields(), "not yet"),
    MilvusUpgradeStatus: dict.fromkeys(MilvusUpgradeStatus.fields(), "not yet"),
    ReplicasBefore: dict.fromkeys(ReplicasBefore.fields(), "not yet"),
}


def verdict(model: type[Model], field: str) -> str:
    """Tell how a field fares, by the model that has it as its own. Raises KeyError for an unknown model."""
    return DIFFERENT[model].get(field, "same")
