"""How fast and how sparing the operator of Milvus is: `python -m bench.operator.run`."""  # noqa: A005 - a part of `bench`, never on the path itself
