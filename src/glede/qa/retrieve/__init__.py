"""Retrieval: a question to ranked chunks. Two legs, fused by rank, then ordered anew by words."""
