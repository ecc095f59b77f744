"""Milvus as a system: what it consists of, how it is rendered, observed and planned."""
