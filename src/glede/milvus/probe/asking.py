"""Ask an external dependency whether it is well: each endpoint by its own protocol, all at once."""

import asyncio
from collections.abc import Awaitable, Callable

from glede.milvus.probe.azure import ask_azure
from glede.milvus.probe.etcd import ask_etcd
from glede.milvus.probe.kafka import ask_kafka
from glede.milvus.probe.net import connected, resolve
from glede.milvus.probe.pulsar import ask_pulsar
from glede.milvus.probe.s3 import ask_s3
from glede.milvus.probe.target import (
    MISSING,
    NOT_READY,
    READY,
    UNREACHABLE,
    Found,
    ProbeResult,
    ProbeTarget,
    UnhealthyError,
    UnreachableError,
)

SECONDS = 5.0
_MOST_ENDPOINTS = 9
Ask = Callable[[ProbeTarget, str], Awaitable[Found]]


async def ask_tcp(target: ProbeTarget, endpoint: str) -> Found:
    """Connect, and no more. Raises UnreachableError."""
    async with connected(endpoint, target.tls):
        return Found("reached", partly=True)


_ASK: dict[str, Ask] = {
    "etcd": ask_etcd,
    "minio": ask_s3,
    "s3": ask_s3,
    "azure": ask_azure,
    "kafka": ask_kafka,
    "pulsar": ask_pulsar,
}


async def probe(target: ProbeTarget, *, seconds: float = SECONDS) -> ProbeResult:
    """Ask every endpoint, each for at most ``seconds``; one that is well is enough, as for Milvus itself."""
    if target.missing:
        return ProbeResult(ok=False, reason=MISSING[target.kind], message=target.missing)
    endpoints = target.endpoints[:_MOST_ENDPOINTS]
    answers = await asyncio.gather(*(_ask_one(target, endpoint, seconds) for endpoint in endpoints))
    return _together(target, dict(zip(endpoints, answers, strict=True)))


async def _ask_one(
    target: ProbeTarget, endpoint: str, seconds: float
) -> Found | UnhealthyError | UnreachableError:
    ask = _ASK.get(target.type, ask_tcp)
    # The account's name is before the host, which has no address of its own.
    named = not (target.type == "azure" or target.virtual_host)
    try:
        async with asyncio.timeout(seconds):
            if named:
                await resolve(endpoint)
            return await ask(target, endpoint)
    except TimeoutError:
        return UnreachableError(f"no answer in {seconds:g} seconds")
    except (UnhealthyError, UnreachableError) as error:
        return error


def _together(
    target: ProbeTarget, answers: dict[str, Found | UnhealthyError | UnreachableError]
) -> ProbeResult:
    """Make one answer of those of all endpoints, with what is wrong at each."""
    wrong = [f"{endpoint}: {answer}" for endpoint, answer in answers.items() if not isinstance(answer, Found)]
    well = [answer for answer in answers.values() if isinstance(answer, Found)]
    if well:
        best = min(well, key=lambda found: found.partly)
        reason = "ConnectionOK" if best.partly and target.kind == "log" else READY[target.kind]
        return ProbeResult(ok=True, reason=reason, message="; ".join([best.words, *wrong]))
    reached = any(isinstance(answer, UnhealthyError) for answer in answers.values())
    reason = (NOT_READY if reached else UNREACHABLE)[target.kind]
    return ProbeResult(ok=False, reason=reason, message="; ".join(wrong) or "no endpoint is named")
