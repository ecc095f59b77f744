"""A lab that is told to end takes itself down, also when it is told twice."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from lab.ending import unwound_by_sigterm

SCRIPT = """
import time
from lab.ending import unwound_by_sigterm
with unwound_by_sigterm():
    try:
        print("made", flush=True)
        time.sleep(60)
    finally:
        print("takes down", flush=True)
        time.sleep(1)
        print("taken down", flush=True)
"""


def test_sigterm_takes_down_what_was_made_and_a_second_one_does_not_cut_it() -> None:
    with subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for said in ("made", "takes down"):
            assert process.stdout.readline() == f"{said}\n"
            process.send_signal(signal.SIGTERM)
        assert process.stdout.read() == "taken down\n"
    assert process.returncode != 0


def test_a_block_that_ends_by_itself_leaves_the_signal_as_it_was() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with unwound_by_sigterm():
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_another_thread_may_use_it() -> None:
    def used() -> str:
        with unwound_by_sigterm():
            return "used"

    with ThreadPoolExecutor() as pool:
        assert pool.submit(used).result() == "used"
