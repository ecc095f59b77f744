"""Ask an etcd whether it is well: log in, look for alarms, and read through the quorum."""

from glede.milvus.probe.gateway import Gateway, coded, gateway, message_of, object_of
from glede.milvus.probe.net import ask
from glede.milvus.probe.target import Found, ProbeTarget, UnhealthyError
from glede.milvus.readable import readable

# etcd's own check of endpoints takes a refusal of the key for health, too: the quorum has said so.
_DENIED = "permission denied"
_NO_GATEWAY = {404, 415, 501}


async def ask_etcd(target: ProbeTarget, endpoint: str) -> Found:
    """Ask one endpoint. Raises UnhealthyError or UnreachableError."""
    async with gateway(target, endpoint) as etcd:
        status = await etcd.post("maintenance/status", {})
        if status.status in _NO_GATEWAY:
            return await _plain_health(etcd)
        told = object_of(status)
        if errors := [readable(str(error)) for error in told.get("errors", [])]:
            raise UnhealthyError(f"it tells of {'; '.join(errors)}")
        read = await etcd.post("kv/range", {"key": coded(f"{target.prefix}/health"), "limit": 1})
        if read.status != 200 and _DENIED not in message_of(read):
            raise UnhealthyError(f"it does not read: {message_of(read)}")
    version = readable(str(told.get("version", "")), 20)
    return Found(f"etcd {version}" if version else "etcd")


async def _plain_health(etcd: Gateway) -> Found:
    answer = await ask(etcd.client, etcd.client.build_request("GET", f"{etcd.base}/health"))
    if answer.status == 200 and str(object_of(answer).get("health")).lower() == "true":
        return Found("etcd without its JSON gateway")
    raise UnhealthyError(f"/health answers {answer.status}")
