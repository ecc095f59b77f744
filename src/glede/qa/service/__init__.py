"""The HTTP service over an engine."""
