"""Ask an etcd over its JSON gateway: log in, look for alarms, and read through the quorum.

The paths are those of etcd's API guide (3.4 and newer).
"""

import base64
import json
from typing import Any

import httpx2

from glede.milvus.probe.net import Answer, ask, http_client
from glede.milvus.probe.target import Found, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

# etcd's own check of endpoints takes a refusal of the key for health, too: the quorum has said so.
_DENIED = "permission denied"
_NO_GATEWAY = {404, 415, 501}


async def ask_etcd(target: ProbeTarget, endpoint: str) -> Found:
    """Ask one endpoint. Raises UnhealthyError or UnreachableError."""
    base = f"{'https' if target.tls else 'http'}://{endpoint}"
    async with http_client(target.tls) as client:
        token = await _token(client, base, target)
        status = await _post(client, base, "maintenance/status", {}, token)
        if status.status in _NO_GATEWAY:
            return await _plain_health(client, base)
        told = _object(status)
        if errors := [readable(str(error)) for error in told.get("errors", [])]:
            raise UnhealthyError(f"it tells of {'; '.join(errors)}")
        key = base64.b64encode(f"{target.prefix}/health".encode()).decode()
        read = await _post(client, base, "kv/range", {"key": key, "limit": 1}, token)
        if read.status != 200 and _DENIED not in _message(read):
            raise UnhealthyError(f"it does not read: {_message(read)}")
    version = readable(str(told.get("version", "")), 20)
    return Found(f"etcd {version}" if version else "etcd")


async def _token(client: httpx2.AsyncClient, base: str, target: ProbeTarget) -> str:
    if not target.login:
        return ""
    body = {"name": target.login.name, "password": target.login.password}
    answer = await _post(client, base, "auth/authenticate", body, "")
    if answer.status == 200:
        return str(_object(answer).get("token", ""))
    words = _message(answer)
    if "not enabled" in words:
        return ""
    raise UnhealthyError(f"it refuses the user or password: {words}")


async def _plain_health(client: httpx2.AsyncClient, base: str) -> Found:
    answer = await ask(client, client.build_request("GET", f"{base}/health"))
    if answer.status == 200 and str(_object(answer).get("health")).lower() == "true":
        return Found("etcd without its JSON gateway")
    raise UnhealthyError(f"/health answers {answer.status}")


async def _post(client: httpx2.AsyncClient, base: str, path: str, body: dict[str, Any], token: str) -> Answer:
    headers = {"authorization": token} if token else {}
    return await ask(client, client.build_request("POST", f"{base}/v3/{path}", json=body, headers=headers))


def _object(answer: Answer) -> dict[str, Any]:
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise UnreachableError("it does not answer as etcd does") from error
    if not isinstance(found, dict):
        raise UnreachableError("it does not answer as etcd does")
    return found


def _message(answer: Answer) -> str:
    found = _object(answer)
    return readable(str(found.get("message") or found.get("error") or answer.status))
