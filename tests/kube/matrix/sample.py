"""Whether all cases are looked at, or the sample that the tests have time for."""

import os

ALL = os.environ.get("GLEDE_MATRIX") == "all"
