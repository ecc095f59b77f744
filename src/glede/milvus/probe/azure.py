"""Ask Azure Blob Storage for the properties of the container.

The signature is the Shared Key of the Azure Storage REST reference ("Authorize with Shared Key").
"""

import base64
import binascii
import datetime as dt
import hmac
import re
from email.utils import format_datetime

from glede.milvus.probe.net import ask, http_client
from glede.milvus.probe.target import Found, Login, ProbeTarget, UnhealthyError, UnreachableError
from glede.milvus.readable import readable

_VERSION = "2021-08-06"
# The signed text has a line for each of eleven headers that this request does not send.
_ABSENT = "\n" * 11


async def ask_azure(target: ProbeTarget, endpoint: str) -> Found:
    """Ask the account's endpoint. Raises UnhealthyError or UnreachableError."""
    login = target.login or Login()
    scheme = "https" if target.tls else "http"
    host = endpoint.removesuffix(":443" if target.tls else ":80")
    url = f"{scheme}://{login.name}.blob.{host}/{target.bucket}?restype=container"
    headers = shared_key(target, dt.datetime.now(dt.UTC)) if login.password else {"x-ms-version": _VERSION}
    async with http_client(target.tls) as client:
        answer = await ask(client, client.build_request("GET", url, headers=headers))
    found = re.search(rb"<Code>([A-Za-z]{1,80})</Code>", answer.body)
    code = readable(found[1]) if found else ""
    if not login.password and (code or answer.status == 200):
        return Found("reached; without a key here nothing more is known", partly=True)
    if answer.status == 200:
        return Found(f"container {target.bucket} can be read")
    if code == "ContainerNotFound":
        return Found(f"container {target.bucket} is not there yet; Milvus makes it")
    if code == "AuthenticationFailed":
        raise UnhealthyError("it refuses the account's name or key")
    if code:
        raise UnhealthyError(code)
    raise UnreachableError(f"it answers {answer.status}, and not as Azure does")


def shared_key(target: ProbeTarget, now: dt.datetime) -> dict[str, str]:
    """Sign a GET of a container's properties. Raises UnhealthyError for a key that is no base64."""
    login = target.login or Login()
    moment = format_datetime(now, usegmt=True)
    lines = f"x-ms-date:{moment}\nx-ms-version:{_VERSION}\n"
    resource = f"/{login.name}/{target.bucket}\nrestype:container"
    text = f"GET\n{_ABSENT}{lines}{resource}"
    try:
        key = base64.b64decode(login.password, validate=True)
    except binascii.Error as error:
        raise UnhealthyError("the account's key is not base64") from error
    signature = base64.b64encode(hmac.digest(key, text.encode(), "sha256")).decode()
    authorization = f"SharedKey {login.name}:{signature}"
    return {"x-ms-date": moment, "x-ms-version": _VERSION, "authorization": authorization}
