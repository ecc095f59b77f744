"""Text of strangers, made fit for conditions, Events and logs."""


def readable(data: bytes | str, most: int = 200) -> str:
    """Make what a stranger sent fit for a message: one line of printable characters."""
    text = data.decode(errors="replace") if isinstance(data, bytes) else data
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 4 * most]).split())
    return line if len(line) <= most else f"{line[: most - 3]}..."
