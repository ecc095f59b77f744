import base64

import numpy as np

from glede.qa.service.openai import _encoded


def test_base64_holds_little_endian_floats() -> None:
    vector = np.asarray([0.5, -1.25, 3.0], dtype=np.float32)
    encoded = _encoded(vector, "base64")
    assert isinstance(encoded, str)
    assert np.frombuffer(base64.b64decode(encoded), dtype="<f4").tolist() == [0.5, -1.25, 3.0]
    assert _encoded(vector, "float") == [0.5, -1.25, 3.0]
