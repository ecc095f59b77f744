"""Faults that are real, and gone when their block ends.

Each is a context manager. What it breaks it mends on leaving, also when the block raised; a fault that the
cluster itself repairs (a killed pod) waits for that instead.
"""

from lab.faults.apiserver import unreachable_api
from lab.faults.disk import filled
from lab.faults.network import cut_nodes, cut_pod, isolated_node, lossy, slow_cable
from lab.faults.nodes import frozen_node, killed_node
from lab.faults.pods import frozen_pod, killed_pod, lost_member
from lab.faults.proxy import FaultyProxy, faulty_api

__all__ = [
    "FaultyProxy",
    "cut_nodes",
    "cut_pod",
    "faulty_api",
    "filled",
    "frozen_node",
    "frozen_pod",
    "isolated_node",
    "killed_node",
    "killed_pod",
    "lossy",
    "lost_member",
    "slow_cable",
    "unreachable_api",
]
