"""The lab's fixtures, as anybody uses them; what holds for all tests."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["lab.fixtures"]

# Machines are noisy: how long an example takes says nothing about what is tested.
settings.register_profile("glede", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("glede")
