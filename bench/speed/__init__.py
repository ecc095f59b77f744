"""How fast Glede searches, answers and ingests: `python -m bench.speed.run`."""
