"""The Kubernetes cluster that a command talks to: kubectl's options, and a connection."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
import yaml
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.exceptions import ConfigError

from glede.cli.output import CommandError
from glede.kube.errors import ApiError, NotFound, Unavailable
from glede.kube.http import HttpTransport
from glede.kube.objects import Key, Object, Resource
from glede.kube.transport import Selection

MANAGER = "kubectl-glede"
NOTHING_FOUND = 3
NO_ANSWER = 4

NamespaceOption = Annotated[
    str, typer.Option("--namespace", "-n", help="The namespace; else the context's.", show_default=False)
]
KubeconfigOption = Annotated[
    Path | None, typer.Option("--kubeconfig", help="A kubeconfig; else KUBECONFIG, else ~/.kube/config.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="A context of the kubeconfig; else its current one.")
]


@dataclass(frozen=True, slots=True)
class Cluster:
    """An open connection; ``namespace`` is the context's."""

    client: httpx2.AsyncClient
    transport: HttpTransport
    namespace: str

    async def get(self, resource: Resource, key: Key) -> Object:
        """Read one object. Raises CommandError when there is none."""
        try:
            return await self.transport.get(resource, key)
        except NotFound as error:
            place = f"{resource.kind} {key.name} in namespace {key.namespace}"
            raise CommandError(
                f"{place}: there is none of this name; `kubectl get {resource.plural} -A` lists all",
                NOTHING_FOUND,
            ) from error

    async def list(self, resource: Resource, selection: Selection) -> list[Object]:
        """Read all objects that a selection takes. Raises ApiError."""
        found: list[Object] = []
        page = await self.transport.list(resource, selection)
        found += page.items
        while page.continue_:
            page = await self.transport.list(resource, selection, continue_=page.continue_)
            found += page.items
        return found


@asynccontextmanager
async def connected(kubeconfig: Path | None, context: str | None) -> AsyncIterator[Cluster]:
    """Open a connection. Raises CommandError when what is configured cannot be used."""
    try:
        config = _config(kubeconfig, context)
        client = AsyncClient(config, ConnectionParams(trust_env=False))
        # Bodies are read as they come, so that their size can be bounded.
        client.headers["Accept-Encoding"] = "identity"
    except (ConfigError, OSError, ValueError, KeyError, TypeError, AssertionError, yaml.YAMLError) as error:
        where = kubeconfig or "KUBECONFIG or ~/.kube/config"
        raise CommandError(
            f"{where}: cannot be used ({error}); name another --kubeconfig or --context", 2
        ) from error
    transport = HttpTransport(client, MANAGER)
    try:
        yield Cluster(client, transport, str(config.namespace or "default"))
    finally:
        await transport.aclose()


def _config(kubeconfig: Path | None, context: str | None) -> SingleConfig:
    """Choose a context. Of several files in KUBECONFIG the first that has the context is taken, whole."""
    listed = [] if kubeconfig else os.environ.get("KUBECONFIG", "").split(os.pathsep)
    if len(listed) < 2:
        found = KubeConfig.from_file(kubeconfig) if kubeconfig else KubeConfig.from_env()
        return found.get(context_name=context)
    files = [KubeConfig.from_file(path) for path in listed if path and Path(path).is_file()]
    name = context or next((file.current_context for file in files if file.current_context), None)
    for file in files:
        if name in file.contexts:
            return file.get(context_name=name)
    raise ConfigError(f"no file has the context {name}")


def run(
    work: Callable[[Cluster], Coroutine[Any, Any, None]], kubeconfig: Path | None, context: str | None
) -> None:
    """Run something on a connection. Raises CommandError for what the API server refuses."""

    async def whole() -> None:
        async with connected(kubeconfig, context) as cluster:
            await work(cluster)

    try:
        asyncio.run(whole())
    except Unavailable as error:
        raise CommandError(f"the API server does not answer: {error}", NO_ANSWER) from error
    except NotFound as error:
        words = "no such kind is known; install the operator's chart, which has its definition"
        raise CommandError(f"{words} ({error.message})", NOTHING_FOUND) from error
    except ApiError as error:
        raise CommandError(f"the API server refused: {error}", 1) from error
