"""Level ``nodes``: real kubelets and containers, each node a network namespace of this machine."""
