"""Draw boxes, arrows and text as an SVG file that is readable on a white page and on a dark one.

A picture has an opaque panel of its own, so it never depends on the color of the page around it. Its colors follow the
reader's browser (`prefers-color-scheme`). It uses no script, no font file and no network, which GitHub and JupyterLab both
require of a picture.

    picture = Picture(720, 200, "Two boxes and an arrow")
    picture.box(24, 60, 200, 64, "step", "agent")
    picture.arrow([(224, 92), (400, 92)], "a request")
    Path("two.svg").write_text(picture.svg())
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape

Point = tuple[float, float]

SIZE = 16
"""The font size that most text has, in units of the picture."""
LEADING = 21
"""From one line of text to the next."""
WIDTHS = {"sans": 0.52, "bold": 0.56, "mono": 0.565}
"""The mean width of a character, in font sizes; generous, because fonts differ from one computer to the next."""

LIGHT = {
    "paper": "#ffffff", "line": "#c3cad5", "ink": "#1c2330", "soft": "#566072",
    "plain": "#f3f5f8", "wire": "#2457a8", "wire-tint": "#e7eef9", "step": "#1e6b45", "step-tint": "#e5f2ea",
    "mark": "#9a4d00", "mark-tint": "#fdf0df", "bad": "#b3261e", "bad-tint": "#fbe9e7", "held": "#dfe3ea",
}  # fmt: skip
DARK = {
    "paper": "#1a1f28", "line": "#4a5364", "ink": "#e7eaf0", "soft": "#aab3c2",
    "plain": "#252b36", "wire": "#93b8f2", "wire-tint": "#203049", "step": "#83cfa6", "step-tint": "#1d382b",
    "mark": "#f2b06a", "mark-tint": "#42311b", "bad": "#f39a92", "bad-tint": "#482829", "held": "#3a4250",
}  # fmt: skip
KINDS = ("plain", "wire", "step", "mark", "bad", "held")
"""What a box can be: neutral, of the wire, of the agent, special, dangerous, or kept from before."""


class Picture:
    """A picture of a fixed size, to which shapes are added in order. Later ones cover earlier ones."""

    def __init__(self, width: int, height: int, title: str):
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def box(
        self, x: float, y: float, width: float, height: float, kind: str, title: str = "", *lines: str,
        mono: bool = False, align: str = "middle",
    ) -> None:  # fmt: skip
        """A rectangle with a bold title and lines of text below it, centered from top to bottom.

        ValueError if a line is too long for it.
        """
        assert kind in KINDS, kind
        self.parts.append(
            f'<rect class="box {kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="7"/>'
        )
        written = [(title, "bold")] * bool(title) + [(line, "mono" if mono else "sans") for line in lines]
        top = y + height / 2 - LEADING * (len(written) - 1) / 2 + SIZE * 0.35
        at = x + width / 2 if align == "middle" else x + 12
        for n, (text, style) in enumerate(written):
            if width_of(text, style) > width - 12:
                raise ValueError(
                    f"{text!r} needs {width_of(text, style):.0f} units, the box has {width - 12:g}"
                )
            color = {"plain": "ink", "held": "ink"}.get(kind, kind) if style == "bold" else "ink"
            self.text(at, top + n * LEADING, text, style, color, align)

    def text(
        self, x: float, y: float, text: str, style: str = "sans", color: str = "ink", align: str = "start"
    ) -> None:
        """A line of text whose baseline is at `y`. ValueError if it leaves the picture."""
        wide = width_of(text, style)
        left = {"start": x, "middle": x - wide / 2, "end": x - wide}[align]
        if left < 0 or left + wide > self.width:
            raise ValueError(
                f"{text!r} is from {left:.0f} to {left + wide:.0f}, the picture {self.width} wide"
            )
        self.parts.append(
            f'<text class="{style} {color}" x="{x:g}" y="{y:g}" text-anchor="{align}"'
            f' xml:space="preserve">{escape(text)}</text>'
        )

    def arrow(
        self, points: Sequence[Point], label: str = "", *, at: Point | None = None, kind: str = "ink",
        align: str = "middle", tip: bool = True, dashed: bool = False,
    ) -> None:  # fmt: skip
        """A line through these points, with a tip at its end, and a label at `at` (default: above its middle)."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        end = f' marker-end="url(#tip-{kind})"' if tip else ""
        self.parts.append(f'<path class="arrow {kind}{" dashed" if dashed else ""}" d="{path}"{end}/>')
        if label:
            (x1, y1), (x2, y2) = points[0], points[-1]
            x, y = at or ((x1 + x2) / 2, min(y1, y2) - 8)
            self.text(x, y, label, "sans", "soft", align)

    def frame(self, x: float, y: float, width: float, height: float, label: str) -> None:
        """A dashed frame around what belongs together, with its name at the top."""
        self.parts.append(
            f'<rect class="frame" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="10"/>'
        )
        self.text(x + 12, y + 20, label, "sans", "soft")

    def cross(self, x: float, y: float) -> None:
        """A mark for what cannot be reached."""
        self.parts.append(
            f'<path class="arrow bad" d="M{x - 6:g} {y - 6:g} L{x + 6:g} {y + 6:g}'
            f' M{x - 6:g} {y + 6:g} L{x + 6:g} {y - 6:g}"/>'
        )

    def svg(self) -> str:
        """The whole file."""
        tips = "".join(
            f'<marker id="tip-{kind}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7"'
            f' orient="auto-start-reverse"><path class="tip {kind}" d="M0 0 L10 5 L0 10 z"/></marker>'
            for kind in ("ink", "wire", "step", "bad")
            if f"#tip-{kind})" in "".join(self.parts)
        )
        body = "\n".join(self.parts)
        return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" \
height="{self.height}" role="img" aria-labelledby="title">
<title id="title">{escape(self.title)}</title>
<style>
{STYLE}
</style>
<defs>{tips}</defs>
<rect class="paper" x="0.5" y="0.5" width="{self.width - 1}" height="{self.height - 1}" rx="12"/>
{body}
</svg>
"""


def width_of(text: str, style: str) -> float:
    """About how wide a line of text is."""
    return len(text) * SIZE * WIDTHS[style]


def _colors(palette: dict[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in palette.items())


STYLE = "\n".join(
    [
        f"svg {{ {_colors(LIGHT)} }}",
        f"@media (prefers-color-scheme: dark) {{ svg {{ {_colors(DARK)} }} }}",
        ".paper { fill: var(--paper); stroke: var(--line); }",
        f"text {{ font: {SIZE}px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }}",
        "text.bold { font-weight: 650; }",
        f"text.mono {{ font: {SIZE - 1}px ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; }}",
        ".box { stroke-width: 1.5; }",
        ".frame { fill: none; stroke: var(--line); stroke-width: 1.5; stroke-dasharray: 6 5; }",
        ".arrow { fill: none; stroke-width: 1.8; } .arrow.dashed { stroke-dasharray: 5 5; }",
        *(
            f"text.{c} {{ fill: var(--{c}); }} .arrow.{c} {{ stroke: var(--{c}); }} .tip.{c} {{ fill: var(--{c}); }}"
            for c in ("ink", "soft", "wire", "step", "mark", "bad")
        ),
        *(
            f".box.{k} {{ fill: var(--{k}-tint); stroke: var(--{k}); }}"
            for k in ("wire", "step", "mark", "bad")
        ),
        ".box.plain { fill: var(--plain); stroke: var(--line); }",
        ".box.held { fill: var(--held); stroke: var(--soft); }",
    ]
)
