"""A real Kubernetes on one Linux machine, without Docker, for tests: see lab/README.md."""
