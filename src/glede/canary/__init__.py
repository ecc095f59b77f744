"""Some pods with a new template beside the others: watched by their own metrics, and judged.

Nothing here knows what the pods are: whoever has them gives where each is read, and how its metrics are.
"""

from glede.canary.counts import Counts, Histogram, Tally
from glede.canary.scrape import Unreadable, fetch
from glede.canary.verdict import Limits
from glede.canary.watcher import Subject, Target, Watched, Watcher

__all__ = [
    "Counts",
    "Histogram",
    "Limits",
    "Subject",
    "Tally",
    "Target",
    "Unreadable",
    "Watched",
    "Watcher",
    "fetch",
]
