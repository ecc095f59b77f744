"""The parent's side of a parse: starts the parser's process, reads its pages, always reaps it."""

import dataclasses
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from glede.qa.parse import wire
from glede.qa.parse.limits import ParseLimits
from glede.qa.parse.model import DocumentInfo, Page, ParseError

_READ_BYTES = 64 * 1024
_STDERR_BYTES = 4096
_NAME_CHARS = 120
_EXIT_SECONDS = 2

# -I ignores the environment and the working directory, so the package's own root is passed along:
# this works from an installed package and from a source tree alike.
_BOOT = "import sys; sys.path.append(sys.argv[1]); from glede.qa.parse.worker import main; main(sys.argv[2])"
_PACKAGE_ROOT = Path(__file__).resolve().parents[3]


class ParsedDocument:
    """A document being parsed: ``info`` is known, pages come as they are read."""

    def __init__(self, info: DocumentInfo, child: "_Child") -> None:
        self.info = info
        self._child = child

    def pages(self) -> Iterator[Page]:
        """Yield the pages that are left, in order; raises ParseError where the document fails.

        The pages come once: a second call goes on where the first stopped.
        """
        return self._child.pages()


@contextmanager
def open_document(path: Path, name: str, limits: ParseLimits | None = None) -> Iterator[ParsedDocument]:
    """Parse ``path``, which the user calls ``name``, in a process of its own.

    Raises ParseError on entry for what shows at once (an empty, foreign, encrypted or damaged file),
    and from ``pages()`` for what shows later; FileNotFoundError when there is no such file. Leaving
    the context ends and reaps the process.
    """
    child = _Child(path, _printable(name), limits or ParseLimits())
    try:
        yield ParsedDocument(child.info(), child)
    finally:
        child.close()


def _printable(name: str) -> str:
    """Return a user's file name as one line fit for messages; its extension survives the cut."""
    line = "".join(char if char.isprintable() else "\ufffd" for char in name).strip() or "document"
    return line if len(line) <= _NAME_CHARS else f"{line[: _NAME_CHARS - 17]}…{line[-16:]}"


def _environment() -> dict[str, str]:
    """Return the whole environment of a parser: nothing of the parent's but where programs are."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        # One thread's worth of arenas and buffers, or address space runs out on hosts of many cores.
        "MALLOC_ARENA_MAX": "1",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


class _Child:
    """One parser's process and the frames read from it."""

    def __init__(self, path: Path, name: str, limits: ParseLimits) -> None:
        self._name = name
        self._limits = limits
        self._waited = 0.0
        self._received = 0
        self._buffer = bytearray()
        self._stderr = b""
        self._page = 0
        self._ended = False
        self._peak_bytes = 0
        request = {"path": str(path.resolve(strict=True)), "name": name, "limits": dataclasses.asdict(limits)}
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _BOOT, str(_PACKAGE_ROOT), json.dumps(request)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
        self._selector = selectors.DefaultSelector()
        for stream in (self._process.stdout, self._process.stderr):
            assert stream is not None  # noqa: S101 - both are pipes
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream.fileno(), selectors.EVENT_READ, stream is self._process.stdout)

    def info(self) -> DocumentInfo:
        """Return the document's info; raises ParseError."""
        frame = self._frame()
        try:
            return wire.decode_info(frame)
        except (ValueError, TypeError, KeyError) as error:
            raise self._garbled(error) from error

    def pages(self) -> Iterator[Page]:
        """Yield the pages; raises ParseError."""
        while not self._ended:
            frame = self._frame()
            if frame["type"] == "end":
                self._ended = True
                return
            try:
                page = wire.decode_page(frame, self._page, self._limits)
            except (ValueError, TypeError, KeyError, IndexError) as error:
                raise self._garbled(error) from error
            self._page = page.number
            yield page

    def close(self) -> None:
        """End the process with its whole group, and reap it."""
        self._ended = True
        self._reap()
        self._selector.close()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _reap(self, grace: float = 0) -> None:
        """Reap the process, noting the most memory it held; what outlives ``grace`` seconds is killed."""
        deadline = time.monotonic() + grace
        while self._process.returncode is None:
            late = time.monotonic() >= deadline
            if late:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            try:
                pid, status, usage = os.wait4(self._process.pid, 0 if late else os.WNOHANG)
            except ChildProcessError:  # somebody else reaped it, as a handler of SIGCHLD may
                self._process.returncode = -signal.SIGKILL
                return
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._peak_bytes = usage.ru_maxrss * 1024
            else:
                time.sleep(0.01)

    def _frame(self) -> wire.Frame:
        """Return the next frame; an error frame, a crash or a limit is raised as ParseError."""
        line = self._line()
        if line is None:
            raise self._crashed()
        try:
            frame = wire.decode(line)
        except ValueError as error:
            raise self._garbled(error) from error
        if frame["type"] == "error":
            self._ended = True
            raise self._noted(ParseError(str(frame.get("code")), str(frame.get("message"))))
        return frame

    def _line(self) -> bytes | None:
        """Return the next line, or None at the end of the output."""
        searched = 0
        while (at := self._buffer.find(b"\n", searched)) < 0:
            searched = len(self._buffer)
            if (
                searched > wire.max_frame_bytes(self._limits)
                or self._received > self._limits.max_output_bytes
            ):
                raise self._failed(
                    "output_too_large",
                    f"its text takes more than {self._limits.max_output_bytes} bytes, the limit; split it",
                )
            if not self._read():
                return None
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 1]
        return line

    def _read(self) -> bool:
        """Wait for output and take it; False at its end. Only this waiting counts as parsing time."""
        while True:
            left = self._limits.seconds - self._waited
            started = time.monotonic()
            ready = self._selector.select(max(left, 0))
            self._waited += time.monotonic() - started
            if not ready and self._waited >= self._limits.seconds:
                raise self._failed(
                    "timeout",
                    f"it was not read within {self._limits.seconds:g} s, the limit; split it",
                )
            for key, _ in ready:
                data = os.read(key.fd, _READ_BYTES)
                if not data:
                    self._selector.unregister(key.fd)
                if not key.data:
                    self._stderr = (self._stderr + data)[-_STDERR_BYTES:]
                elif data:
                    self._buffer += data
                    self._received += len(data)
                    return True
                else:
                    return False

    def _crashed(self) -> ParseError:
        """Say why the output ended before its end."""
        self._reap(_EXIT_SECONDS)
        code = self._process.returncode
        if code == -signal.SIGXCPU:
            return self._failed(
                "timeout",
                f"reading it took more than {self._limits.cpu_seconds} s of CPU time, the limit; split it",
            )
        near_limit = self._peak_bytes > 0.7 * self._limits.memory_bytes
        if near_limit or code == -signal.SIGKILL or b"MemoryError" in self._stderr:
            return self._failed(
                "out_of_memory",
                f"reading it needs more than {self._limits.memory_bytes} bytes of memory, the limit; "
                "split it",
            )
        how = signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"
        return self._failed(
            "parser_crashed",
            f"the parser ended with {how} on this file, which may be damaged; "
            "save it again in its program and upload that",
        )

    def _garbled(self, error: Exception) -> ParseError:
        return self._failed(
            "parser_crashed", f"the parser's answer is not valid ({error}); please report this file"
        )

    def _failed(self, code: str, message: str) -> ParseError:
        self._ended = True
        return self._noted(ParseError(code, f"{self._name}: {message}"))

    def _noted(self, error: ParseError) -> ParseError:
        """Attach what the parser wrote to its standard error, for the log."""
        if self._stderr:
            error.add_note(self._stderr.decode("utf-8", "replace"))
        return error
