"""Document QA: from files to answers with citations that can be checked."""
