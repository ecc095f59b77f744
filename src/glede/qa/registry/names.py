"""Names that uploads bring along. They are shown to people and never used as paths."""

import re
import unicodedata

MAX_NAME_CHARS = 255
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def clean_name(name: str) -> str:
    """Make an upload's name safe to show and to compare: no control characters, no ``..``, NFC.

    Folders stay (``guides/a.md``), so that two README.md of different folders are two documents.
    Raises ValueError when nothing is left.
    """
    text = _CONTROL.sub("", unicodedata.normalize("NFC", name)).replace("\\", "/")
    text = text.encode("utf-8", "replace").decode("utf-8")
    segments = [segment.strip() for segment in text.split("/")]
    kept = "/".join(segment for segment in segments if segment not in {"", ".", ".."})
    if len(kept) > MAX_NAME_CHARS:
        # What is left of a cut segment must not be "..".
        kept = kept[-MAX_NAME_CHARS:].lstrip("/. ")
    if not kept:
        raise ValueError(f"file name {name!r} has no usable part; give the upload a name such as report.pdf")
    return kept
