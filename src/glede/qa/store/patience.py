"""Asking again: a Milvus cluster answers short, or refuses for a moment, while its data moves.

A shard leader that has just taken over answers empty *with success* until its next target is set, so
a caller that knows how many rows there are can tell an incomplete answer from a true one.
"""

import time
from collections.abc import Callable
from typing import TypeVar

import grpc
from pymilvus.exceptions import MilvusException

from glede.qa.store.base import StoreError, StoreUnavailableError

Answer = TypeVar("Answer")

# Milvus's own codes (pkg/util/merr): not ready, unavailable, request limit, rate limit; collection or
# partition not (fully) loaded, recovering; replica, channel, segment and node away for a moment.
TRANSIENT_CODES = frozenset(
    {1, 2, 4, 8, 12, 101, 103, 106, 201, 202, 400, 401, 500, 501, 503, 600, 601, 602, 901, 902, 903, 904, 905}
)
# Older servers and the embedded one give code 65535 or -1 and say it in words.
TRANSIENT_WORDS = (
    "not ready",
    "unavailable",
    "not loaded",
    "not fully loaded",
    "leader not available",
    "no available",
    "not available",
    "node offline",
    "node not match",
    "recovering",
    "rate limit",
    "failed to connect",
    "inconsistent requery",
    "deadline exceeded",
)
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0


def is_transient(error: Exception) -> bool:
    """Tell whether the same call may well succeed a moment later."""
    if isinstance(error, grpc.RpcError):
        return error.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
    if isinstance(error, MilvusException):
        words = str(error).lower()
        return error.code in TRANSIENT_CODES or any(sign in words for sign in TRANSIENT_WORDS)
    return False


def ask_again(
    ask: Callable[[], Answer],
    deadline_seconds: float,
    incomplete: Callable[[Answer], bool] = lambda _: False,
) -> Answer:
    """Call ``ask`` until it answers in full, pausing ever longer between tries.

    Raises StoreUnavailableError when the time is over, StoreError for a refusal that will not pass.
    """
    end = time.monotonic() + deadline_seconds
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            answer = ask()
            if not incomplete(answer):
                return answer
            reason = "the answer held fewer rows than the index has"
        except (MilvusException, grpc.RpcError) as error:
            if not is_transient(error):
                raise StoreError(f"Milvus refused: {error}") from error
            reason = str(error)
        if time.monotonic() + pause >= end:
            raise StoreUnavailableError(
                f"Milvus gave no complete answer within {deadline_seconds:g} s: {reason}; try again"
            )
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
