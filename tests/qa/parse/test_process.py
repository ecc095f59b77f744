import os
import signal
import subprocess
import sys
import time
import tracemalloc
from pathlib import Path

import psutil
import pytest
from tests.qa.parse.documents import blank_pdf, read, refused, save

import glede.qa.parse.worker
from glede.qa.parse import ParsedDocument, ParseError, ParseLimits, open_document


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return save(
        tmp_path / "book.txt", "\n\n".join(f"Paragraph {i}. " + "Kites soar. " * 100 for i in range(3000))
    )


def child() -> psutil.Process:
    (process,) = psutil.Process().children()
    return process


def no_children_left() -> bool:
    return psutil.Process().children() == []


def test_the_parser_is_confined(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "kite")
    limits = ParseLimits()
    with open_document(book, "book.txt", limits) as document:
        next(document.pages())
        process = child()
        assert set(process.environ()) <= {
            "PATH", "LANG", "LC_CTYPE", "MALLOC_ARENA_MAX", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"
        }  # fmt: skip
        assert process.nice() >= 10
        assert process.rlimit(psutil.RLIMIT_AS) == (limits.memory_bytes, limits.memory_bytes)
        assert process.rlimit(psutil.RLIMIT_CPU)[0] == limits.cpu_seconds
        assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert process.rlimit(psutil.RLIMIT_NOFILE)[0] <= 64
        assert process.rlimit(psutil.RLIMIT_FSIZE)[0] <= 1024 * 1024
        assert os.getsid(process.pid) == process.pid
        assert Path(f"/proc/{process.pid}/fd/0").readlink() == Path("/dev/null")
    assert no_children_left()


def test_leaving_early_ends_and_reaps_the_process(book: Path) -> None:
    with open_document(book, "book.txt", ParseLimits()) as document:
        next(document.pages())
        pid = child().pid
    assert not psutil.pid_exists(pid)
    assert no_children_left()
    assert list(document.pages()) == []


def test_an_error_of_the_reader_reaps_the_process_too(book: Path) -> None:
    with pytest.raises(RuntimeError), open_document(book, "book.txt", ParseLimits()):
        raise RuntimeError
    assert no_children_left()


def test_timeout(book: Path) -> None:
    with open_document(book, "book.txt", ParseLimits(seconds=4)) as document:
        os.kill(child().pid, signal.SIGSTOP)
        with pytest.raises(ParseError) as caught:
            list(document.pages())
    assert caught.value.code == "timeout"
    assert caught.value.message == "book.txt: it was not read within 4 s, the limit; split it"
    assert no_children_left()


def test_a_slow_reader_does_not_use_up_the_time(book: Path) -> None:
    with open_document(book, "book.txt", ParseLimits(seconds=6)) as document:
        pages = document.pages()
        next(pages)
        time.sleep(7)
        assert len(list(pages)) > 100


def test_cpu_time(tmp_path: Path) -> None:
    path = save(tmp_path / "slow.md", "[a](" * 30_000 + "\n\n" + "*a **b " * 60_000)

    assert refused(path, limits=ParseLimits(cpu_seconds=1)) == (
        "timeout",
        "slow.md: reading it took more than 1 s of CPU time, the limit; split it",
    )


def test_memory(tmp_path: Path) -> None:
    path = save(tmp_path / "big.txt", b"kite " * 20_000_000)

    assert refused(path, limits=ParseLimits(memory_bytes=200_000_000)) == (
        "out_of_memory",
        "big.txt: reading it needs more than 200000000 bytes of memory, the limit; split it",
    )


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        (
            signal.SIGSEGV,
            "parser_crashed",
            "the parser ended with SIGSEGV on this file, which may be damaged",
        ),
        (signal.SIGKILL, "out_of_memory", "reading it needs more than 1073741824 bytes of memory, the limit"),
    ],
)
def test_crashes(book: Path, number: signal.Signals, code: str, words: str) -> None:
    with open_document(book, "book.txt", ParseLimits()) as document:
        os.kill(child().pid, number)
        with pytest.raises(ParseError) as caught:
            list(document.pages())
    assert caught.value.code == code
    assert caught.value.message.startswith(f"book.txt: {words}; ")
    assert no_children_left()


def test_output(book: Path) -> None:
    assert refused(book, limits=ParseLimits(max_output_bytes=100_000)) == (
        "output_too_large",
        "book.txt: its text takes more than 100000 bytes, the limit; split it",
    )


def test_too_many_sections(book: Path) -> None:
    assert refused(book, limits=ParseLimits(max_pages=10)) == (
        "too_many_pages",
        "book.txt: it has more than 10 sections, the limit; split it",
    )


def test_the_parent_holds_one_page_at_a_time(tmp_path: Path) -> None:
    path = save(
        tmp_path / "book.txt", "\n\n".join("Kites soar over the wide fields. " * 100 for _ in range(4000))
    )
    with open_document(path, "book.txt", ParseLimits()) as document:
        tracemalloc.start()
        chars = sum(len(page.text) for page in document.pages())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert chars > 12_000_000
    assert peak < 3_000_000


def test_documents_are_read_side_by_side(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{n}.txt", f"Kite {n}.\n\n" + "Soars. " * 2000) for n in range(3)]
    with (
        open_document(paths[0], "0.txt", ParseLimits()) as first,
        open_document(paths[1], "1.txt", ParseLimits()) as second,
    ):
        documents: list[ParsedDocument] = [first, second]
        assert [next(d.pages()).text[:7] for d in documents] == ["Kite 0.", "Kite 1."]
    assert read(paths[2]).text.startswith("Kite 2.")
    assert no_children_left()


def test_a_refused_document_leaves_no_process(tmp_path: Path) -> None:
    assert refused(save(tmp_path / "huge.pdf", blank_pdf(6000)))[0] == "too_many_pages"
    assert no_children_left()


def test_a_missing_file_is_not_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nowhere.pdf")
    assert no_children_left()


@pytest.mark.parametrize(
    "deed",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
    ],
)
def test_a_parser_opens_no_connection_and_starts_no_program(deed: str) -> None:
    root = str(Path(glede.qa.parse.worker.__file__).parents[3])
    script = (
        f"import sys; sys.path.append({root!r}); from glede.qa.parse.worker import confine; "
        f"from glede.qa.parse.limits import ParseLimits; confine(ParseLimits()); {deed}"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "PermissionError: a parser may not do this" in done.stderr
