"""The index: what Milvus, embedded or on a cluster, keeps for finding chunks again."""
