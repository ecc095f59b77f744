"""What proxies of several versions count."""

import math

import pytest

from glede.canary import Counts, Unreadable
from glede.milvus.proxymetrics import counts_of

# As Milvus 2.3.5 writes it; of a histogram three bounds.
OLD = """\
milvus_proxy_req_count{function_name="Search",node_id="7",status="total"} 148407
milvus_proxy_req_count{function_name="Search",node_id="7",status="success"} 146249
milvus_proxy_req_count{function_name="Search",node_id="7",status="fail"} 2152
milvus_proxy_req_count{function_name="HasCollection",node_id="7",status="total"} 1.2e+01
milvus_proxy_req_count{function_name="HasCollection",node_id="7",status="success"} 12
milvus_proxy_sq_latency_bucket{node_id="7",query_type="search",le="8"} 10
milvus_proxy_sq_latency_bucket{node_id="7",query_type="search",le="16"} 140000
milvus_proxy_sq_latency_bucket{node_id="7",query_type="search",le="+Inf"} 146249
milvus_proxy_mutation_latency_bucket{msg_type="insert",node_id="7",le="8"} 3
milvus_proxy_mutation_latency_bucket{msg_type="insert",node_id="7",le="+Inf"} 4
"""
# Since 2.4 by database and collection, since 2.5 with requests that the client gave up.
_OF = 'collection_name="{name}",db_name="{db}",node_id="7"'
_EACH = f"""\
milvus_proxy_req_count{{{{{_OF},function_name="Search",status="total"}}}} 10
milvus_proxy_req_count{{{{{_OF},function_name="Search",status="success"}}}} 5
milvus_proxy_req_count{{{{{_OF},function_name="Search",status="cancel"}}}} 2
milvus_proxy_req_count{{{{{_OF},function_name="Search",status="abandon"}}}} 1
milvus_proxy_sq_latency_bucket{{{{{_OF},query_type="hybrid_search",le="1"}}}} 4
milvus_proxy_sq_latency_bucket{{{{{_OF},query_type="hybrid_search",le="+Inf"}}}} 5
"""
NEW = _EACH.format(db="default", name="books") + _EACH.format(db="zoo", name='a\\"b,c}')


def test_requests_and_times_of_2_3_are_read() -> None:
    assert counts_of(OLD) == Counts(
        148419.0,
        148413.0,
        2152.0,
        {"search": {8.0: 10, 16.0: 140000, math.inf: 146249}, "insert": {8.0: 3, math.inf: 4}},
    )


def test_of_later_ones_all_databases_and_collections_count_together() -> None:
    assert counts_of(NEW) == Counts(20.0, 16.0, 2.0, {"hybrid_search": {1.0: 8, math.inf: 10}})


def test_a_proxy_that_nobody_asked_has_counted_nothing() -> None:
    assert counts_of("") == Counts()


@pytest.mark.parametrize(
    "text",
    [
        'milvus_proxy_req_count{status="total"} many\n',
        'milvus_proxy_req_count{status="total"} NaN\n',
        'milvus_proxy_sq_latency_bucket{query_type="search"} 3\n',
        'milvus_proxy_sq_latency_bucket{query_type="search",le="x"} 3\n',
        'milvus_proxy_req_count{status="total" 3\n',
    ],
)
def test_what_is_no_metric_is_told(text: str) -> None:
    with pytest.raises(Unreadable):
        counts_of(text)
