"""The real service as a process of its own, and the processor time that it takes."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx
import psutil
import yaml

START_SECONDS = 120.0
STOP_SECONDS = 20.0


def write_manifest(folder: Path, embedder: str) -> Path:
    """Write a manifest for a service with its data in ``folder``; gives the manifest's path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "documentqa.yaml"
    spec = {
        "dataDir": str(folder / "data"),
        "listen": {"host": "127.0.0.1", "port": _free_port()},
        "embedder": {"kind": embedder},
        "limits": {"inFlight": 256, "uploadsInFlight": 16},
    }
    manifest = {
        "apiVersion": "glede.io/v1alpha1",
        "kind": "DocumentQA",
        "metadata": {"name": "speed"},
        "spec": spec,
    }
    path.write_text(yaml.safe_dump(manifest), encoding="utf-8")
    return path


class Service:
    """`glede serve` on a manifest, while the block lasts. Raises RuntimeError with its log's end."""

    def __init__(self, manifest: Path) -> None:
        self._manifest = manifest
        self._log = manifest.with_suffix(".log")
        port = yaml.safe_load(manifest.read_text(encoding="utf-8"))["spec"]["listen"]["port"]
        self.url = f"http://127.0.0.1:{port}"
        self.start_seconds = 0.0

    def __enter__(self) -> Self:
        begin = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "glede", "serve", str(self._manifest)],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        self.start_seconds = time.perf_counter() - begin
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def cpu_seconds(self) -> float:
        """Processor seconds so far, of the process and of its children, living and ended."""
        own = psutil.Process(self._process.pid)
        return sum(_cpu(process) for process in [own, *own.children(recursive=True)])

    def _wait(self) -> None:
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the service on {self._manifest} did not start; its log ends:\n{tail}")

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
