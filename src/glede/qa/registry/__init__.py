"""The registry: the database that knows every document, page, chunk, job and key.

It is the source of truth. The Milvus index is derived from it and can be rebuilt at any time.
"""
