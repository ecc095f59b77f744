"""``python -m glede`` is the ``glede`` command."""

from glede.cli.main import run

if __name__ == "__main__":
    run()
