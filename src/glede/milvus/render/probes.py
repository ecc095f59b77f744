"""When a pod has started, is alive, and may be sent requests."""

from glede.api.milvus.base import PodPart
from glede.api.milvus.components import PodSettings
from glede.milvus.resolved import Object

HEALTH_PORT = 9091
KINDS = ("startupProbe", "livenessProbe", "readinessProbe")


def probes(settings: PodSettings) -> Object:
    """Give a container's probes; each that the manifest writes replaces ours."""
    written: PodPart = settings.probes or {}
    return {kind: written.get(kind) or _OURS[kind] for kind in KINDS}


def _health(timeout: int, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": "/healthz", "port": HEALTH_PORT, "scheme": "HTTP"},
        "timeoutSeconds": timeout,
        "periodSeconds": period,
        "failureThreshold": failures,
    }


# The startup probe guards the others for up to three minutes and ends within two seconds of health, so that
# readiness needs no delay of its own.
_OURS: dict[str, Object] = {
    "startupProbe": _health(2, 2, 90),
    "livenessProbe": {**_health(5, 10, 3), "initialDelaySeconds": 30},
    "readinessProbe": _health(3, 5, 3),
}
