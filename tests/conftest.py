"""The lab's fixtures, as anybody uses them."""

pytest_plugins = ["lab.fixtures"]
