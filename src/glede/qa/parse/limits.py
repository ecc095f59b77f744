"""The bounds inside which one document is parsed."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one parse may use; exceeding any of them is a :class:`ParseError`, never a hang.

    ``seconds`` counts the time spent waiting for the parser, so a slow reader of the pages does not
    use it up. ``memory_bytes`` is address space. ``max_unpacked_bytes`` and ``max_compression_ratio``
    bound what a zip-based file (DOCX, PPTX, XLSX) may unpack to.
    """

    seconds: float = 300
    cpu_seconds: int = 240
    memory_bytes: int = 1024 * 1024 * 1024
    max_pages: int = 5000
    max_page_chars: int = 200_000
    max_output_bytes: int = 256 * 1024 * 1024
    max_unpacked_bytes: int = 512 * 1024 * 1024
    max_compression_ratio: int = 200
