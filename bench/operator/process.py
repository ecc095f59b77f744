"""The real operator as a process of its own: started, weighed, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx2
import psutil
from bench.operator.world import NAMESPACE
from lab.controlplane import free_ports

START_SECONDS = 60.0
STOP_SECONDS = 30.0
MIB = 1 << 20


def cpu_by_program() -> dict[str, float]:
    """Give the processor seconds so far of this process and of those that it started, by program."""
    own = psutil.Process()
    found: dict[str, float] = {}
    for process in [own, *own.children(recursive=True)]:
        times = process.cpu_times()
        name = process.name().partition("-v")[0]
        name = ("this benchmark" if process == own else "the operator") if name == "python" else name
        found[name] = found.get(name, 0.0) + times.user + times.system
    return found


class Operator:
    """`glede operator` while the block lasts. ``began`` is when its process was started."""

    def __init__(self, kubeconfig: Path, compiled: Path, log: Path) -> None:
        self._kubeconfig = kubeconfig
        self._compiled = compiled
        self._log = log
        self._port = free_ports(1)[0]
        self.began = 0.0

    def start(self) -> None:
        """Start the process."""
        words = [sys.executable, "-m", "glede", "operator", "--kubeconfig", str(self._kubeconfig)]
        words += ["--host", "127.0.0.1", "--port", str(self._port)]
        env = {
            **os.environ,
            "POD_NAMESPACE": NAMESPACE,
            "GLEDE_TOOL_IMAGE": "glede-operator:bench",
            # As in an image, all but the first start find what is compiled.
            "PYTHONDONTWRITEBYTECODE": "",
            "PYTHONPYCACHEPREFIX": str(self._compiled),
        }
        with self._log.open("ab") as log:
            self.began = time.perf_counter()
            self._process = subprocess.Popen(words, env=env, stdout=log, stderr=log)

    async def ready(self) -> None:
        """Wait until it has listed everything. Raises RuntimeError with its log's end."""
        end = time.monotonic() + START_SECONDS
        async with httpx2.AsyncClient(trust_env=False, timeout=2) as client:
            while time.monotonic() < end and self._process.poll() is None:
                try:
                    answer = await client.get(f"http://127.0.0.1:{self._port}/readyz")
                    if answer.status_code == httpx2.codes.OK:
                        return
                except httpx2.TransportError:
                    pass
                await asyncio.sleep(0.05)
        tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the operator is not ready; its log ends:\n{tail}")

    def stop(self) -> None:
        """End it as Kubernetes does. Raises RuntimeError when it does not end well."""
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code:
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"the operator ended with {code}; its log ends:\n{tail}")

    @property
    def rss(self) -> float:
        """Resident memory in MiB."""
        return float(psutil.Process(self._process.pid).memory_info().rss / MIB)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
