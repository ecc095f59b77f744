"""Searches second by second as a picture: what a client got, and when what was broken."""

from collections import Counter
from collections.abc import Sequence
from html import escape

from tests.e2e.searching import Answer

WIDTH, HEIGHT = 960, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 74, 40
COLOURS = {"good": "#9fb8ad", "late": "#e0b252", "short": "#d9813a", "failed": "#a8371c"}
STYLE = "font: 12px sans-serif; fill: #333"


def draw(answers: Sequence[Answer], marks: Sequence[tuple[float, str]]) -> str:
    """Give an SVG: a bar a second, split by verdict; ``marks`` are moments (monotonic) with their names."""
    begin = min(answer.began for answer in answers)
    seconds = int(max(answer.began for answer in answers) - begin) + 1
    bars = [Counter[str]() for _ in range(seconds)]
    for answer in answers:
        bars[int(answer.began - begin)][answer.verdict] += 1
    highest = max(bar.total() for bar in bars)
    across, up = (WIDTH - LEFT - RIGHT) / seconds, (HEIGHT - TOP - BOTTOM) / highest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        *_legend(),
        *_axes(seconds, highest, across, up),
    ]
    for place, bar in enumerate(bars):
        parts += _bar(LEFT + place * across, across, up, bar)
    for number, (moment, _) in enumerate(marks, start=1):
        x = LEFT + (moment - begin) * across
        parts.append(f'<path d="M{x:.1f} {TOP - 8}V{HEIGHT - BOTTOM}" stroke="#333" stroke-dasharray="3 3"/>')
        parts.append(f'<text x="{x + 3:.1f}" y="{TOP - 12}" style="{STYLE}">{number}</text>')
    names = "; ".join(f"{number} {name}" for number, (_, name) in enumerate(marks, start=1))
    parts.append(f"<desc>{escape(names)}</desc>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(x: float, across: float, up: float, bar: Counter[str]) -> list[str]:
    found, base = [], float(HEIGHT - BOTTOM)
    for verdict, colour in COLOURS.items():
        tall = bar[verdict] * up
        if tall:
            base -= tall
            shape = f'x="{x:.2f}" y="{base:.2f}" width="{across * 0.9:.2f}" height="{tall:.2f}"'
            found.append(f'<rect {shape} fill="{colour}"/>')
    return found


def _legend() -> list[str]:
    found = [f'<text x="{LEFT}" y="20" style="{STYLE}">searches a second, by what they got</text>']
    for place, (verdict, colour) in enumerate(COLOURS.items()):
        x = LEFT + place * 80
        found.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{colour}"/>')
        found.append(f'<text x="{x + 17}" y="40" style="{STYLE}">{verdict}</text>')
    return found


def _axes(seconds: int, highest: int, across: float, up: float) -> list[str]:
    floor = HEIGHT - BOTTOM
    found = [f'<path d="M{LEFT} {floor}H{WIDTH - RIGHT}" stroke="#333"/>']
    found += [
        f'<text x="{LEFT + second * across:.1f}" y="{floor + 16}" style="{STYLE}">{second} s</text>'
        for second in range(0, seconds, 30)
    ]
    step = max(50, round(highest / 4 / 50) * 50)
    for count in range(step, highest + 1, step):
        y = floor - count * up
        found.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        found.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" style="{STYLE}">{count}</text>')
    return found
