"""Glede runs Milvus on Kubernetes, and answers questions from documents on top of it."""

__version__ = "0.1.0"
