"""Objects that use much of what their kinds have, as an operator renders them."""

from typing import Any

from glede.kube import objects
from glede.kube.objects import Object, Resource

LABELS = {"app.kubernetes.io/name": "kite", "app.kubernetes.io/part-of": "birds"}
SELECTOR = {"matchLabels": {"app.kubernetes.io/name": "kite"}}


def _object(resource: Resource, namespace: str, **fields: Any) -> Object:
    metadata = {
        "name": "kite",
        "namespace": namespace,
        "labels": dict(LABELS),
        "annotations": {"birds.example/of": "prey"},
    }
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata, **fields}


def _containers() -> list[Object]:
    probe = {"httpGet": {"path": "/healthz", "port": 9091}, "periodSeconds": 15, "failureThreshold": 20}
    main = {
        "name": "main",
        "image": "registry.k8s.io/pause:3.10",
        "args": ["run", "--role=proxy", "run"],
        "env": [
            {"name": "ZONE", "value": "1000m"},
            {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "kite", "key": "password"}}},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
            {
                "name": "CPUS",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "main"}},
            },
        ],
        "ports": [
            {"name": "grpc", "containerPort": 19530, "protocol": "TCP"},
            {"name": "metrics", "containerPort": 9091, "protocol": "TCP"},
            {"name": "dns", "containerPort": 9091, "protocol": "UDP"},
        ],
        "resources": {
            "limits": {"cpu": "1000m", "memory": "1024Mi", "ephemeral-storage": "1e9"},
            "requests": {"cpu": 0.5, "memory": "0.5Gi"},
        },
        "livenessProbe": probe,
        "readinessProbe": {**probe, "httpGet": {"path": "/ready", "port": "metrics"}},
        "startupProbe": {"tcpSocket": {"port": 19530}},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
        "securityContext": {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [
            {"name": "scratch", "mountPath": "/scratch"},
            {"name": "config", "mountPath": "/etc/kite", "readOnly": True},
        ],
    }
    side = {"name": "aside", "image": "registry.k8s.io/pause:3.10"}
    return [main, side]


def pod_template() -> Object:
    """Render a template with two containers and two init containers, in an order that matters."""
    init = {"image": "registry.k8s.io/pause:3.10", "volumeMounts": [{"name": "scratch", "mountPath": "/s"}]}
    preferred = {
        "weight": 50,
        "podAffinityTerm": {"labelSelector": SELECTOR, "topologyKey": "topology.kubernetes.io/zone"},
    }
    required = {"labelSelector": SELECTOR, "topologyKey": "kubernetes.io/hostname"}
    node = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd", "nvme"]}]}
    spec = {
        "serviceAccountName": "kite",
        "terminationGracePeriodSeconds": 300,
        "enableServiceLinks": False,
        "securityContext": {"fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        "imagePullSecrets": [{"name": "pull"}],
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "initContainers": [{"name": "second", **init}, {"name": "first", **init}],
        "containers": _containers(),
        "volumes": [
            {"name": "scratch", "emptyDir": {}},
            {"name": "memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1024Mi"}},
            {"name": "config", "configMap": {"name": "kite", "items": [{"key": "a", "path": "a.yaml"}]}},
            {
                "name": "token",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token"}},
                        {"secret": {"name": "kite"}},
                        {
                            "downwardAPI": {
                                "items": [{"path": "n", "fieldRef": {"fieldPath": "metadata.name"}}]
                            }
                        },
                    ]
                },
            },
        ],
        "tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": SELECTOR,
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [required],
                "preferredDuringSchedulingIgnoredDuringExecution": [preferred],
            },
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [node]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": node}],
            },
        },
    }
    return {"metadata": {"labels": LABELS, "annotations": {"birds.example/hash": "1"}}, "spec": spec}


def deployment(namespace: str) -> Object:
    """Render a Deployment that leaves its replicas to an autoscaler."""
    spec = {
        "selector": SELECTOR,
        "minReadySeconds": 15,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": pod_template(),
    }
    return _object(objects.DEPLOYMENT, namespace, spec=spec)


def stateful_set(namespace: str) -> Object:
    """Render a StatefulSet with two volume claims."""
    template = pod_template()
    del template["spec"]["topologySpreadConstraints"][0]["matchLabelKeys"]
    claims = [
        {
            "metadata": {"name": name, "labels": LABELS},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "none",
                "resources": {"requests": {"storage": size}},
            },
        }
        for name, size in (("data", "2048Mi"), ("logs", "1.5Gi"))
    ]
    spec = {
        "replicas": 3,
        "serviceName": "kite",
        "podManagementPolicy": "Parallel",
        "updateStrategy": {"type": "RollingUpdate"},
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "selector": SELECTOR,
        "template": template,
        "volumeClaimTemplates": claims,
    }
    return _object(objects.STATEFUL_SET, namespace, spec=spec)


def service(namespace: str) -> Object:
    """Render a Service with ports of one number and two protocols."""
    ports = [
        {"name": "grpc", "port": 19530, "targetPort": "grpc", "protocol": "TCP"},
        {"name": "metrics", "port": 9091, "targetPort": 9091, "protocol": "TCP"},
        {"name": "dns", "port": 9091, "targetPort": "dns", "protocol": "UDP"},
    ]
    spec = {"type": "ClusterIP", "selector": LABELS, "ports": ports, "publishNotReadyAddresses": True}
    return _object(objects.SERVICE, namespace, spec=spec)


def autoscaler(namespace: str) -> Object:
    """Render an HPA with metrics of three types and behaviour."""
    name = {"name": "searches"}
    metrics = [
        {
            "type": "Resource",
            "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}},
        },
        {
            "type": "Pods",
            "pods": {"metric": name, "target": {"type": "AverageValue", "averageValue": "1000m"}},
        },
        {
            "type": "External",
            "external": {"metric": name, "target": {"type": "Value", "value": "2000"}},
        },
    ]
    behaviour = {
        "scaleDown": {
            "stabilizationWindowSeconds": 600,
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": 300}],
        }
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "kite"},
        "minReplicas": 2,
        "maxReplicas": 9,
        "metrics": metrics,
        "behavior": behaviour,
    }
    return _object(objects.HPA, namespace, spec=spec)


def ingress(namespace: str) -> Object:
    """Render an Ingress with two paths and TLS."""
    backend = {"service": {"name": "kite", "port": {"number": 19530}}}
    paths = [{"path": path, "pathType": "Prefix", "backend": backend} for path in ("/b", "/a")]
    spec = {
        "ingressClassName": "nginx",
        "rules": [{"host": "kite.example", "http": {"paths": paths}}],
        "tls": [{"hosts": ["kite.example"], "secretName": "tls"}],
    }
    return _object(objects.INGRESS, namespace, spec=spec)


def network_policy(namespace: str) -> Object:
    """Render a NetworkPolicy with empty selectors, which mean everything."""
    ingress = [
        {
            "from": [{"podSelector": {}}, {"namespaceSelector": SELECTOR}],
            "ports": [{"port": 19530, "protocol": "TCP"}, {"port": 9091, "protocol": "TCP"}],
        }
    ]
    spec = {"podSelector": SELECTOR, "policyTypes": ["Ingress", "Egress"], "ingress": ingress, "egress": [{}]}
    return _object(objects.NETWORK_POLICY, namespace, spec=spec)


def every_kind(namespace: str) -> list[tuple[Resource, Object]]:
    """Render one object of each kind."""
    account = _object(
        objects.SERVICE_ACCOUNT,
        namespace,
        imagePullSecrets=[{"name": "pull"}],
        automountServiceAccountToken=False,
    )
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "none",
        "resources": {"requests": {"storage": "1024Mi"}},
    }
    budget = {
        "maxUnavailable": "30%",
        "selector": SELECTOR,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }
    return [
        (objects.CONFIG_MAP, _object(objects.CONFIG_MAP, namespace, data={"a": "b: 1\n", "limits": "1000m"})),
        (
            objects.SECRET,
            _object(objects.SECRET, namespace, type="Opaque", data={"password": "c2VjcmV0"}),
        ),
        (objects.SERVICE_ACCOUNT, account),
        (objects.PVC, _object(objects.PVC, namespace, spec=claim)),
        (objects.SERVICE, service(namespace)),
        (objects.DEPLOYMENT, deployment(namespace)),
        (objects.STATEFUL_SET, stateful_set(namespace)),
        (objects.PDB, _object(objects.PDB, namespace, spec=budget)),
        (objects.HPA, autoscaler(namespace)),
        (objects.INGRESS, ingress(namespace)),
        (objects.NETWORK_POLICY, network_policy(namespace)),
    ]


def pod_spec(obj: Object) -> Any:
    """Give the spec of the pods of a workload, to be changed."""
    return obj["spec"]["template"]["spec"]


def main(obj: Object) -> Any:
    """Give the main container of a workload, to be changed."""
    return next(one for one in pod_spec(obj)["containers"] if one["name"] == "main")
