"""The one error that the lab raises on purpose."""


class LabError(Exception):
    """Something the lab needs is missing or refused; the message is one line that tells what to do."""
