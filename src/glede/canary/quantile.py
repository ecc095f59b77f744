"""Quantiles of a histogram, by the rule of Prometheus's histogram_quantile().

https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile: within a bucket values
are taken to lie evenly, the lowest bucket begins at 0, and what lies in the highest one counts as its bound.
"""

import math

from glede.canary.counts import Histogram


def count_of(histogram: Histogram) -> float:
    """Give how many values a histogram has."""
    return histogram.get(math.inf, 0.0)


def quantile(share: float, histogram: Histogram) -> float | None:
    """Give the value that this share (0 to 1) of all does not exceed; None where it cannot be told."""
    bounds = sorted(histogram)
    if len(bounds) < 2 or bounds[-1] != math.inf or not count_of(histogram):
        return None
    rank = share * count_of(histogram)
    lower, below = 0.0, 0.0
    for bound in bounds[:-1]:
        # Counts are read one after another while they grow, and may be out of step by a few.
        up_to = max(histogram[bound], below)
        if up_to >= rank:
            if bound <= 0 or up_to == below:
                return bound
            return lower + (bound - lower) * (rank - below) / (up_to - below)
        lower, below = bound, up_to
    return bounds[-2]
