"""The paper that charts are drawn on: measured in pixels from its top left corner, with text that fits."""

import io
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.patheffects import AbstractPathEffect

WIDTH = 720
"""Pixels, as the sizes of text are; a phone shows half as many, so text is twice as large as elsewhere."""
SHARPNESS = 2
MARGIN = 28
TITLE, BODY, SMALL = 27, 21, 19
INK, SOFT, FAINT, PAPER = "#1a1d21", "#565d66", "#dfe3e8", "#ffffff"
DPI = 100
FALLBACKS = (
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "WenQuanYi Micro Hei",
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
"""For letters that the font within the drawing library lacks, where the machine has them."""


@cache
def _prepare() -> None:
    """Once a process: fonts, and no dollar sign that begins a formula."""
    import warnings

    import matplotlib
    from matplotlib.font_manager import fontManager

    there = set(fontManager.get_font_names())
    matplotlib.rcParams["font.family"] = ["DejaVu Sans", *(name for name in FALLBACKS if name in there)]
    matplotlib.rcParams["text.parse_math"] = False
    # a letter that no font has is drawn as a box, and said in the alternative text
    warnings.filterwarnings("ignore", "Glyph .* missing from font")


class Sheet:
    """A picture in the making, `height` pixels high."""

    def __init__(self, height: int) -> None:
        _prepare()
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.height = height
        self._figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=PAPER)
        self._canvas = FigureCanvasAgg(self._figure)

    def png(self) -> bytes:
        """The finished picture."""
        picture = io.BytesIO()
        self._figure.savefig(picture, format="png", dpi=DPI * SHARPNESS, facecolor=PAPER)
        return picture.getvalue()

    def text(self, x: float, y: float, said: str, **look: Any) -> None:
        """A line whose middle is at height y; `size` in pixels."""
        size = look.pop("size", BODY)
        self._figure.text(
            x / WIDTH,
            1 - y / self.height,
            said,
            **{"fontsize": points(size), "color": INK, "va": "center_baseline", **look},
        )

    def width(self, said: str, size: float = BODY, weight: str = "normal") -> float:
        """How many pixels wide a line is."""
        from matplotlib.font_manager import FontProperties

        font = FontProperties(size=points(size), weight=weight)
        renderer: Any = self._canvas.get_renderer()  # type: ignore[no-untyped-call]
        return float(renderer.get_text_width_height_descent(said, font, False)[0])

    def fitted(self, said: str, room: float, size: float = BODY, weight: str = "normal") -> str:
        """The line, or as much of its beginning as fits."""
        if self.width(said, size, weight) <= room:
            return said
        for end in range(len(said) - 1, 0, -1):
            shorter = f"{said[:end].rstrip()}…"
            if self.width(shorter, size, weight) <= room:
                return shorter
        return "…"

    def heading(self, title: str, gist: str) -> None:
        """The two lines on top."""
        room = WIDTH - 2 * MARGIN
        self.text(MARGIN, 38, self.fitted(title, room, TITLE, "bold"), size=TITLE, weight="bold")
        self.text(MARGIN, 72, self.fitted(gist, room), color=SOFT)

    def mark(self, x: float, y: float, color: str, *, width: float = 18, height: float = 18) -> None:
        """A patch of colour, its left edge at x and its middle at y."""
        from matplotlib.patches import Rectangle

        corner = (x / WIDTH, 1 - (y + height / 2) / self.height)
        size = (width / WIDTH, height / self.height)
        self._figure.add_artist(Rectangle(corner, *size, facecolor=color, transform=self._figure.transFigure))

    def halo(self) -> "list[AbstractPathEffect]":
        """Keeps figures readable where a line crosses them."""
        from matplotlib.patheffects import withStroke

        return [withStroke(linewidth=4, foreground=PAPER)]

    def axes(self, left: float, top: float, right: float, bottom: float) -> "Axes":
        """A field to draw data in, with nothing around it."""
        box = (left / WIDTH, 1 - bottom / self.height, (right - left) / WIDTH, (bottom - top) / self.height)
        axes = self._figure.add_axes(box)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.tick_params(length=0, labelsize=points(SMALL), labelcolor=SOFT, pad=8)
        return axes

    def scaled(
        self,
        top: float,
        bottom: float,
        most: float,
        said: Callable[[Sequence[float]], list[str]],
        *,
        ticks: Sequence[float] = (),
    ) -> "Axes":
        """A field with heights from nothing to `most`, lines to read them by, and room for what they say."""
        ticks = ticks or steps(most)
        left = MARGIN + 10 + max(self.width(label, SMALL) for label in said(ticks))
        axes = self.axes(left, top, WIDTH - MARGIN, bottom)
        axes.set_ylim(0, most or 1)
        axes.set_yticks(list(ticks), said(ticks))
        axes.grid(axis="y", color=FAINT, linewidth=1)
        return axes


def points(pixels: float) -> float:
    """The size of text that is so many pixels high."""
    return pixels * 72 / DPI


def steps(most: float, *, whole: bool = False) -> list[float]:
    """Round numbers from nothing to `most`, at most five."""
    from matplotlib.ticker import MaxNLocator

    locator = MaxNLocator(4, steps=[1, 2, 5, 10] if whole else [1, 2, 2.5, 5, 10], integer=whole)
    return [float(tick) for tick in locator.tick_values(0, most or 1) if tick <= (most or 1)]
