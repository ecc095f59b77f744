"""Ask an object store that speaks S3 for one object of the bucket, with a signed request.

The signature is AWS Signature Version 4 as the Amazon S3 API reference describes it ("Authenticating
Requests: Using the Authorization Header").
"""

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

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
    scheme = "https" if target.tls else "http"
    host = endpoint.removesuffix(f":{_DEFAULT_PORTS[scheme]}")
    if target.virtual_host:
        host, path = f"{target.bucket}.{host}", "/"
    else:
        path = f"/{quote(target.bucket, safe='')}"
    query = {"list-type": "2", "max-keys": "1", "prefix": target.prefix}
    async with http_client(target.tls) as client:
        url = f"{scheme}://{host}{path}?{canonical_query(query)}"
        headers = signed_headers(host, path, query, target, dt.datetime.now(dt.UTC)) if target.login else {}
        answer = await ask(client, client.build_request("GET", url, headers=headers))
    return _judge(target, answer)


def _judge(target: ProbeTarget, answer: Answer) -> Found:
    code = _element(answer.body, b"Code")
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
    told = _element(answer.body, b"Message")
    if code in _WRONG_KEYS:
        raise UnhealthyError(f"it refuses the access key or secret key: {code}")
    if code == "AccessDenied":
        raise UnhealthyError(f"the keys may not list bucket {target.bucket}: {told or code}")
    raise UnhealthyError(f"{code}: {told}" if told else code)


def _element(body: bytes, name: bytes) -> str:
    """Take one element's text; a parser of XML would expand what strangers send."""
    found = re.search(rb"<%s>([^<]{1,400})</%s>" % (name, name), body)
    return readable(found[1]) if found else ""


def canonical_query(query: Mapping[str, str]) -> str:
    """Give a query in the order and encoding that are signed."""
    return "&".join(
        f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items())
    )


def signed_headers(
    host: str, path: str, query: Mapping[str, str], target: ProbeTarget, now: dt.datetime
) -> dict[str, str]:
    """Sign a GET without a body; ``path`` is encoded already."""
    login = target.login or Login()
    moment = now.strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{target.region}/s3/aws4_request"
    headers = {"host": host, "x-amz-content-sha256": _EMPTY, "x-amz-date": moment}
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    request = "\n".join(("GET", path, canonical_query(query), lines, names, _EMPTY))
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"{_ALGORITHM}\n{moment}\n{scope}\n{digest}"
    key = f"AWS4{login.password}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={login.name}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**headers, "authorization": f"{_ALGORITHM} {credential}"}
