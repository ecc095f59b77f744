"""Ask an object store that speaks S3 for one object of the bucket, with a signed request.

The signature is AWS Signature Version 4 as the Amazon S3 API reference describes it ("Authenticating
Requests: Using the Authorization Header").
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx2

from glede.milvus.probe.net import Answer, ask, http_client
from glede.milvus.probe.target import Found, Login, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

_ALGORITHM = "AWS4-HMAC-SHA256"
_EMPTY = hashlib.sha256(b"").hexdigest()
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_WRONG_KEYS = {"InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidAccessKey"}


async def ask_s3(target: ProbeTarget, endpoint: str) -> Found:
    """Ask one endpoint. Raises UnhealthyError or UnreachableError.

    A bucket that is missing is well, since Milvus makes it. Without credentials (an identity of the cloud)
    any answer of S3 counts.
    """
    query = {"list-type": "2", "max-keys": "1", "prefix": target.prefix}
    async with http_client(target.tls) as client:
        answer = await ask(client, s3_request(client, target, endpoint, Call(query=query)))
    return _judge(target, answer)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of S3, for the bucket, or for the object in it that ``key`` names."""

    method: str = "GET"
    key: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def digest(self) -> str:
        """The body's SHA-256, in hex."""
        return hashlib.sha256(self.body).hexdigest() if self.body else _EMPTY


def s3_request(client: httpx2.AsyncClient, target: ProbeTarget, endpoint: str, call: Call) -> httpx2.Request:
    """Build the request for a call, signed where there are keys."""
    scheme = "https" if target.tls else "http"
    host = endpoint.removesuffix(f":{_DEFAULT_PORTS[scheme]}")
    path = f"/{quote(call.key)}"
    if target.virtual_host:
        host = f"{target.bucket}.{host}"
    else:
        path = f"/{quote(target.bucket, safe='')}{path if call.key else ''}"
    headers = signed_headers(host, path, call, target, dt.datetime.now(dt.UTC)) if target.login else {}
    url = f"{scheme}://{host}{path}{'?' if call.query else ''}{canonical_query(call.query)}"
    return client.build_request(call.method, url, headers=headers, content=call.body or None)


def _judge(target: ProbeTarget, answer: Answer) -> Found:
    code = element(answer.body, b"Code")
    if answer.status != 200 and not code:
        raise UnreachableError(f"it answers {answer.status}, and not as S3 does")
    if answer.status == 200 and b"ListBucketResult" not in answer.body:
        raise UnreachableError("it does not answer as S3 does")
    if target.login is None:
        return Found("reached; without keys here nothing more is known", partly=True)
    if answer.status == 200:
        return Found(f"bucket {target.bucket} can be read")
    if code == "NoSuchBucket":
        return Found(f"bucket {target.bucket} is not there yet; Milvus makes it")
    told = element(answer.body, b"Message")
    if code in _WRONG_KEYS:
        raise UnhealthyError(f"it refuses the access key or secret key: {code}")
    if code == "AccessDenied":
        raise UnhealthyError(f"the keys may not list bucket {target.bucket}: {told or code}")
    raise UnhealthyError(f"{code}: {told}" if told else code)


def element(body: bytes, name: bytes) -> str:
    """Take one element's text, "" for none; a parser of XML would expand what strangers send."""
    found = re.search(rb"<%s>([^<]{1,400})</%s>" % (name, name), body)
    return readable(found[1]) if found else ""


def canonical_query(query: Mapping[str, str]) -> str:
    """Give a query in the order and encoding that are signed."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )


def signed_headers(host: str, path: str, call: Call, target: ProbeTarget, now: dt.datetime) -> dict[str, str]:
    """Sign a call; ``path`` is encoded already."""
    login = target.login or Login()
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{target.region}/s3/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": call.digest, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join((call.method, path, canonical_query(call.query), lines, names, call.digest))
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{login.password}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={login.name}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": f"{_ALGORITHM} {credential}"}
