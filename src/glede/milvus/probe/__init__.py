"""External dependencies, asked by their own protocols and with their own credentials."""

from glede.milvus.probe.asking import probe
from glede.milvus.probe.prober import Pace, Prober
from glede.milvus.probe.target import Login, ProbeResult, ProbeTarget, Tls
from glede.milvus.probe.targets import meta_prefix, probe_target, session_prefix, tls_of_clients

__all__ = [
    "Login",
    "Pace",
    "ProbeResult",
    "ProbeTarget",
    "Prober",
    "Tls",
    "meta_prefix",
    "probe",
    "probe_target",
    "session_prefix",
    "tls_of_clients",
]
