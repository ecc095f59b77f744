"""The Ingress in front of the Service."""

from glede.milvus.render.labels import owned
from glede.milvus.render.service import front, service_name, service_port
from glede.milvus.resolved import Object, Resolved


def ingress(resolved: Resolved) -> Object | None:
    """Render the Ingress; None where the manifest wants none."""
    found = front(resolved)
    if found is None or found[1].ingress is None:
        return None
    wanted = found[1].ingress
    backend = {"service": {"name": service_name(resolved), "port": {"number": service_port(found[1])}}}
    spec: Object = {
        "ingressClassName": wanted.ingress_class_name,
        "tls": [
            {"secretName": secret, "hosts": hosts} for secret, hosts in sorted(wanted.tls_secret_refs.items())
        ],
    }
    if wanted.hosts:
        spec["rules"] = [_rule(host, backend) for host in wanted.hosts]
    else:
        # The API server refuses an Ingress with neither rules nor a default.
        spec["defaultBackend"] = backend
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": owned(resolved, service_name(resolved), wanted.labels, wanted.annotations),
        "spec": spec,
    }


def _rule(host: str, backend: Object) -> Object:
    return {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
