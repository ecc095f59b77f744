"""Seeing what a cluster did: requests by client, events second by second, logs of pods that are gone."""

from lab.observe.audit import Request, requests
from lab.observe.logs import pod_logs
from lab.observe.timeline import Timeline

__all__ = ["Request", "Timeline", "pod_logs", "requests"]
