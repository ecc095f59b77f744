"""The command line's HTTP client."""

import os
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from glede.cli.output import CommandError

DEFAULT_URL = "http://127.0.0.1:8600"
KEY_VARIABLE = "GLEDE_API_KEY"

UrlOption = Annotated[
    str,
    typer.Option(
        "--url", envvar="GLEDE_URL", help=f"The service's address. A key comes from {KEY_VARIABLE}."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class ServiceError(CommandError):
    """The service refused (exit code 1) or does not answer (exit code 4)."""


class Client:
    """Calls to one service. Raises ServiceError."""

    def __init__(self, url: str) -> None:
        key = os.environ.get(KEY_VARIABLE)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = url.rstrip("/")
        # No proxy for a service that is usually on this machine.
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=120.0, trust_env=False)

    def get(self, path: str, **params: Any) -> Any:
        """GET and give the JSON."""
        return self._call("GET", path, params=params).json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST JSON and give the JSON."""
        return self._call("POST", path, json=body).json()

    def delete(self, path: str) -> None:
        """DELETE."""
        self._call("DELETE", path)

    def upload(self, path: Path, name: str, tags: list[str]) -> Any:
        """Upload one file."""
        with path.open("rb") as file:
            return self._call(
                "POST",
                "/v1/documents",
                files={"file": (name, file)},
                data={"tags": ",".join(tags)} if tags else None,
            ).json()

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ServiceError(
                f"no service answers at {self._url} ({error}); "
                "start one with `glede up MANIFEST`, or give --url",
                4,
            ) from error
        if response.is_error:
            raise ServiceError(_detail(response), 1)
        return response


def _detail(response: httpx.Response) -> str:
    try:
        return f"{response.status_code}: {response.json()['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{response.status_code}: {response.text[:200]}"
