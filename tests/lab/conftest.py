"""The lab's own fixtures, as anybody uses them."""

pytest_plugins = ["lab.fixtures"]
