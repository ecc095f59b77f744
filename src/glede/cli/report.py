"""``glede report``: a zip file about one Milvus for somebody who can help, without credentials.

Secrets are listed by their names alone; see ``redact`` for what is taken out of everything else.
"""

import json
import os
import zipfile
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Annotated, Any

import httpx2
import typer
import yaml

import glede
from glede.cli.cluster import Cluster, ContextOption, KubeconfigOption, NamespaceOption, run
from glede.cli.output import CommandError, console
from glede.cli.redact import Redactor
from glede.cli.status import moment
from glede.kube import objects
from glede.kube.errors import ApiError
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Selection
from glede.milvus.kinds import MILVUS
from glede.milvus.labels import MILVUS_LABEL

OPERATOR_LABEL = "glede.io/operator"
KINDS = (
    objects.DEPLOYMENT,
    objects.STATEFUL_SET,
    objects.REPLICA_SET,
    objects.POD,
    objects.SERVICE,
    objects.CONFIG_MAP,
    objects.PVC,
    objects.PDB,
    objects.HPA,
    objects.INGRESS,
    objects.NETWORK_POLICY,
    objects.SERVICE_ACCOUNT,
    objects.POD_MONITOR,
)
LOG_LINES = 2000
MOST_LOG = 2 << 20  # bytes of one container's log that are kept, its end
MOST_READ = 32 << 20  # bytes of one container's log that are read
MOST_BYTES = 128 << 20  # of the whole report, before compression
MOST_EVENTS = 1000
LOG_TIMEOUT = httpx2.Timeout(10.0, read=20.0)


def report(
    name: Annotated[str, typer.Argument(help="The Milvus.")],
    namespace: NamespaceOption = "",
    out: Annotated[
        Path | None, typer.Option("--out", help="The file to write; else one named by Milvus and time.")
    ] = None,
    kubeconfig: KubeconfigOption = None,
    context: ContextOption = None,
) -> None:
    """Write a zip with the Milvus, its objects, events and logs, and the operator's; without credentials."""

    async def work(cluster: Cluster) -> None:
        key = Key(namespace or cluster.namespace, name)
        now = datetime.now(UTC)
        path = out or Path(f"glede-report-{key.namespace}-{key.name}-{now:%Y%m%dT%H%M%SZ}.zip")
        milvus = await cluster.get(MILVUS, key)
        file = _created(path)
        try:
            with file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                collected = Collected(cluster, archive)
                await collected.all(milvus, now)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        _tell(path, collected)

    run(work, kubeconfig, context)


def _tell(path: Path, collected: "Collected") -> None:
    lines = [f"{path}: {len(collected.names)} files, {path.stat().st_size // 1024} KiB"]
    lines += [f"  left out: {problem}" for problem in collected.problems]
    lines.append("Credentials are taken out as far as they can be known; look through it before you send it.")
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _created(path: Path) -> IO[bytes]:
    """Create a file that only its owner may read. Raises CommandError, also when there is one."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError as error:
        raise CommandError(f"{path}: is there already; remove it or give another --out", 2) from error
    except OSError as error:
        raise CommandError(f"{path}: cannot be written ({error.strerror}); give another --out", 2) from error


class Collected:
    """What goes into a report. What cannot be read is left out and told in ``problems``."""

    def __init__(self, cluster: Cluster, archive: zipfile.ZipFile) -> None:
        self.names: list[str] = []
        self.problems: list[str] = []
        self._cluster = cluster
        self._archive = archive
        self._redactor = Redactor()
        self._left = MOST_BYTES

    async def all(self, milvus: Object, now: datetime) -> None:
        """Read everything about a Milvus and write it."""
        key = objects.key_of(milvus)
        owned = [
            obj
            for kind in KINDS
            for obj in await self._listed(kind, key.namespace, f"{MILVUS_LABEL}={key.name}")
        ]
        operators = await self._operators()
        # Before anything is written: a credential of one object may stand in another one, or in a log.
        self._redactor.learn([milvus, *owned, *operators])
        self._write("milvus.yaml", _yaml(self._redactor.clean(milvus)))
        for obj in owned:
            self._write(
                f"objects/{obj['kind']}/{obj['metadata']['name']}.yaml", _yaml(self._redactor.clean(obj))
            )
        for pod in operators:
            self._write(f"{_folder(pod)}/pod.yaml", _yaml(self._redactor.clean(pod)))
        self._write("secrets.yaml", _yaml(await self._secrets(key)))
        about = {key.name, *(obj["metadata"]["name"] for obj in owned)}
        self._write("events.yaml", _yaml(self._redactor.clean(await self._events(key.namespace, about))))
        pods = [obj for obj in owned if obj["kind"] == "Pod"]
        self._write("versions.json", json.dumps(await self._versions([*operators, *pods]), indent=2))
        for pod in operators:
            await self._logs(pod, _folder(pod))
        for pod in pods:
            await self._logs(pod, f"logs/{pod['metadata']['name']}")
        self._write("README.txt", _readme(key, now, self.problems))

    async def _listed(self, kind: Resource, namespace: str | None, labels: str) -> list[Object]:
        try:
            return await self._cluster.list(kind, Selection(namespace, labels))
        except ApiError as error:
            self.problems.append(f"{kind.plural} {labels}: {error}")
            return []

    async def _operators(self) -> list[Object]:
        pods = await self._listed(objects.POD, None, OPERATOR_LABEL)
        if not pods:
            self.problems.append(
                f"the operator: no pod with the label {OPERATOR_LABEL} in any namespace was found"
            )
        return pods

    async def _secrets(self, key: Key) -> list[Object]:
        """Give the names of Secrets: their data, and annotations that may hold it, are not read or kept."""
        selection = Selection(key.namespace, f"{MILVUS_LABEL}={key.name}", metadata_only=True)
        try:
            found = await self._cluster.list(objects.SECRET, selection)
        except ApiError as error:
            self.problems.append(f"names of secrets: {error}")
            return []
        kept = ("name", "creationTimestamp", "resourceVersion")
        return [{name: secret["metadata"].get(name) for name in kept} for secret in found]

    async def _events(self, namespace: str, about: set[str]) -> list[Object]:
        found = await self._listed(objects.EVENT, namespace, "")
        mine = [event for event in found if event.get("involvedObject", {}).get("name") in about]
        return sorted(mine, key=moment)[-MOST_EVENTS:]

    async def _versions(self, pods: Sequence[Object]) -> dict[str, Any]:
        images = {c["image"] for pod in pods for c in pod["spec"]["containers"]}
        try:
            answer = await self._cluster.client.get("/version")
            kubernetes = answer.json().get("gitVersion", "unknown")
        except (httpx2.HTTPError, ValueError) as error:
            kubernetes = f"unknown ({error})"
        return {"plugin": glede.__version__, "kubernetes": kubernetes, "images": sorted(images)}

    async def _logs(self, pod: Object, folder: str) -> None:
        key = objects.key_of(pod)
        told = pod.get("status") or {}
        for container in [*(told.get("initContainerStatuses") or []), *(told.get("containerStatuses") or [])]:
            for previous in (False, True) if container.get("restartCount") else (False,):
                what = f"{folder}/{container['name']}{'.previous' if previous else ''}.log"
                try:
                    text = await self._log(key, container["name"], previous)
                except (ApiError, httpx2.HTTPError) as error:
                    self.problems.append(f"{what}: {error}")
                    continue
                self._write(what, self._redactor.clean_log(text))

    async def _log(self, pod: Key, container: str, previous: bool) -> str:
        """Read the end of a container's log. Raises ApiError, HTTPError."""
        path = objects.POD.path(pod.namespace, pod.name, "log")
        words = {"container": container, "tailLines": str(LOG_LINES), "timestamps": "true"}
        if previous:
            words["previous"] = "true"
        kept: deque[bytes] = deque()
        held = read = 0
        async with self._cluster.client.stream("GET", path, params=words, timeout=LOG_TIMEOUT) as response:
            if not response.is_success:
                body = (await response.aread()).decode(errors="replace").strip()
                raise ApiError(response.status_code, "LogRefused", " ".join(body.split())[:300])
            async for block in response.aiter_bytes():
                kept.append(block)
                held, read = held + len(block), read + len(block)
                while held - len(kept[0]) >= MOST_LOG:
                    held -= len(kept.popleft())
                if read > MOST_READ:
                    break
        return b"".join(kept)[-MOST_LOG:].decode(errors="replace")

    def _write(self, name: str, text: str) -> None:
        content = text.encode()
        if len(content) > self._left:
            self.problems.append(f"{name}: the report would be larger than {MOST_BYTES >> 20} MiB")
            return
        self._left -= len(content)
        self._archive.writestr(name, content)
        self.names.append(name)


def _folder(operator: Object) -> str:
    """Give the folder of an operator's pod; there may be operators in several namespaces."""
    return f"operator/{operator['metadata']['namespace']}/{operator['metadata']['name']}"


def _yaml(value: Mapping[str, Any] | Sequence[Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True)


def _readme(key: Key, now: datetime, problems: Sequence[str]) -> str:
    left_out = "".join(f"  {problem}\n" for problem in problems) or "  nothing\n"
    return (
        f"Report of {now:%Y-%m-%d %H:%M:%S} UTC about the Milvus {key.name} in namespace {key.namespace},"
        f" made by Glede {glede.__version__}.\n\n"
        "milvus.yaml       the Milvus, with its status\n"
        "objects/          what the operator made for it, and what came of that\n"
        "operator/         the operator's pods and their logs, by namespace\n"
        "secrets.yaml      names of Secrets; their contents were not read\n"
        "events.yaml       events about all of these, the latest last\n"
        f"logs/             the last {LOG_LINES} lines of each container, and of the one before a restart\n"
        "versions.json     versions and images\n\n"
        f"Left out:\n{left_out}"
    )
