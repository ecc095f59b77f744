"""The programs a lab is made of: found where they are, or else downloaded or built, once."""

from lab.binaries.obtain import ensure, find_binary

__all__ = ["ensure", "find_binary"]
