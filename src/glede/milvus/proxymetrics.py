"""What a proxy counts, by the names of Milvus 2.3 to 2.6 (its pkg/metrics/proxy_metrics.go).

``milvus_proxy_req_count`` counts each request as ``total`` when it comes, and by its outcome when it is over:
``success``, ``fail``, ``abandon`` (no room in the proxy's queue), since 2.5 ``cancel`` (the client gave up).
``milvus_proxy_sq_latency`` and ``milvus_proxy_mutation_latency`` have the ms of those that succeeded, by
``query_type`` (search, query, hybrid_search) and ``msg_type`` (insert, delete, upsert). From 2.4 on database
and collection are labels too, over which is summed. ``milvus_proxy_req_latency`` has no searches.
"""

import math
from collections import defaultdict

from prometheus_client.parser import text_string_to_metric_families

from glede.canary import Counts, Unreadable

FAMILIES = (
    "milvus_proxy_req_count{",
    "milvus_proxy_sq_latency_bucket{",
    "milvus_proxy_mutation_latency_bucket{",
)
# A proxy that no client has asked anything yet has none of those, and others of Milvus.
PROOF = "milvus_"
_COUNT, *_LATENCIES = (name.removesuffix("{") for name in FAMILIES)
_KINDS = dict(zip(_LATENCIES, ("query_type", "msg_type"), strict=True))
_BEGUN, _FAILED = "total", frozenset({"fail", "abandon"})


def counts_of(text: str) -> Counts:
    """Read the lines of these families. Raises Unreadable for what is no metric."""
    by_status: dict[str, float] = defaultdict(float)
    latency: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
    try:
        for family in text_string_to_metric_families(text):
            for name, labels, value, *_ in family.samples:
                if not math.isfinite(value):
                    raise Unreadable(f"{name} is {value}")
                if name == _COUNT:
                    by_status[labels.get("status", "")] += value
                elif name in _KINDS:
                    latency[labels.get(_KINDS[name], "")][float(labels["le"])] += value
    except (ValueError, KeyError) as error:
        raise Unreadable("its metrics are in another format") from error
    answered = sum(value for status, value in by_status.items() if status != _BEGUN)
    failed = sum(value for status, value in by_status.items() if status in _FAILED)
    kinds = {kind: dict(histogram) for kind, histogram in latency.items()}
    return Counts(by_status.get(_BEGUN, 0.0), answered, failed, kinds)
