"""Checks of the canary: what its share may be, and where it has no effect."""

import re

from glede.api.milvus.components import Proxy
from glede.api.milvus.spec import Milvus
from glede.milvus.validate.findings import Findings, Words

_AT_ONCE = ("all", "force")


def check_canary(milvus: Milvus, proxy: Proxy, at: str, findings: Findings) -> None:
    """Check the canary of the proxies, whose numbers the model has checked."""
    if proxy.canary is None:
        return
    share, expected = proxy.canary.share, "a number of pods from 1, or a percentage from 1% to 100%"
    if not re.fullmatch(r"[1-9]\d{0,8}|([1-9]\d?|100)%", str(share), re.ASCII):
        findings.invalid(f"{at}.share", share, expected, "write for example 1 or 25%")
    if proxy.groups:
        # Which of them would be first, and beside whom, cannot be told.
        findings.invalid(at, Words("groups beside it"), "proxies without groups", "remove one of the two")
    mode = milvus.spec.components.image_update_mode
    if mode in _AT_ONCE:
        findings.unsupported(at, f"imageUpdateMode: {mode} changes all at once", "remove one of the two")
    elif milvus.spec.components.enable_rolling_update is False:
        why = "enableRollingUpdate: false changes all at once"
        findings.unsupported(at, why, "remove one of the two")
