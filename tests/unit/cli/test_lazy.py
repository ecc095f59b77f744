"""Commands start with their own extra's packages alone."""

import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
OF_THE_OPERATOR = ("operator", "status", "report", "explain", "merge-config")
OF_DOCUMENT_QA = ("up", "serve", "keys")

# Runs the command line as if some distributions were not installed.
RUN = """
import sys
missing = set(sys.argv.pop(1).split(","))
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in missing:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from glede.cli.main import run
run()
"""


def named(lock: str) -> set[str]:
    text = (REPOSITORY / "requirements" / lock).read_text()
    return {_normal(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", text, re.MULTILINE)}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def modules_outside(lock: str) -> set[str]:
    """Give the modules that are here and are not of a lock's packages."""
    kept = named(lock) | {"glede"}
    found = importlib.metadata.packages_distributions()
    return {module for module, of in found.items() if not kept & {_normal(name) for name in of}}


def glede(*words: str, lock: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", RUN, ",".join(sorted(modules_outside(lock))), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_what_is_taken_away_here_is_what_the_operator_s_image_lacks() -> None:
    assert {"pymilvus", "fastapi", "sqlalchemy", "numpy", "onnxruntime"} <= modules_outside("operator.lock")
    assert not {"lightkube", "httpx2", "typer", "yaml", "pydantic"} & modules_outside("operator.lock")


@pytest.mark.parametrize("command", OF_THE_OPERATOR)
def test_the_operator_s_commands_need_its_requirements_only(command: str) -> None:
    done = glede(command, "--help", lock="operator.lock")
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout
    assert "Not in this installation" not in done.stdout


@pytest.mark.parametrize("command", OF_DOCUMENT_QA)
def test_what_is_missing_is_told_in_one_line(command: str) -> None:
    done = glede(command, "manifest.yaml", "--exit", lock="operator.lock")
    assert done.returncode == 1
    assert re.fullmatch(
        rf"error: {command}: needs the extra `qa`, but \w+ is not installed; pip install 'glede\[qa\]', "
        r"or take an image that has it",
        " ".join(done.stderr.split()),
    )


def test_a_client_of_document_qa_works_without_its_extra() -> None:
    done = glede("ask", "why?", "--url", "http://127.0.0.1:9", lock="operator.lock")
    assert done.returncode == 4
    assert "no service answers" in done.stderr


def test_help_lists_all_commands_and_which_are_missing() -> None:
    lines = glede("--help", lock="operator.lock").stdout.splitlines()
    for command in OF_DOCUMENT_QA:
        [line] = [line for line in lines if f" {command} " in line]
        assert "Not in this installation" in line


def test_no_command_is_imported_before_it_is_called() -> None:
    imported = "import sys, glede.cli.main as m; print(*[n for n in sys.modules if n.startswith('glede')])"
    done = subprocess.run([sys.executable, "-c", imported], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "glede",
        "glede.api",
        "glede.api.errors",
        "glede.cli",
        "glede.cli.kubectl",
        "glede.cli.lazy",
        "glede.cli.main",
        "glede.cli.output",
    }


def test_a_misspelt_command_gets_a_suggestion() -> None:
    done = glede("serv", lock="run.lock")
    assert done.returncode == 2
    assert "'serve'" in done.stderr
