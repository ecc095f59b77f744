"""The kinds of the group milvus.io: what people write for the operator, and what it answers."""
