"""Text as retrieval sees it: scripts, tokens and sentences. Pure functions, no state but caches."""
