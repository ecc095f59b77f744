"""Answers: verbatim sentences without a model, written and checked ones with one."""
