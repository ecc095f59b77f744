"""What changes and faults cost a Milvus under search: plain Deployments beside the operator."""
