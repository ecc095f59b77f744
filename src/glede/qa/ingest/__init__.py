"""Ingest: from acknowledged uploads to searchable chunks, by a durable queue."""
