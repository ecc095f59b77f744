"""Quality of document question answering: data sets, metrics, baselines and the report."""
