"""A bar chart as SVG, on a logarithmic scale: a naive client and a batch fit into one picture."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import log10

ROW, LEFT, WIDTH = 26, 400, 420


def bars(title: str, rows: Sequence[tuple[str, float]]) -> str:
    """The picture; `rows` are names and positive values."""
    longest = max((value for _, value in rows), default=1.0)
    height = 50 + ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 80}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="24" font-size="16">{escape(title)} (logarithmic)</text>',
    ]
    for place, (name, value) in enumerate(rows):
        y = 42 + ROW * place
        width = max(1.0, WIDTH * log10(1 + value) / log10(1 + longest))
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{width:.0f}" height="18" fill="#4c78a8"/>',
            f'<text x="{LEFT + width + 6:.0f}" y="{y + 14}">{value:.0f}</text>',
        ]
    return "\n".join([*parts, "</svg>\n"])
