"""The ``glede`` command: argument parsing and printing, nothing else."""
