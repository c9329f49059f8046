"""Draws the sample things: simple shapes, drawn large and made smaller, which smooths their edges.

Places are in units of a picture 96 wide and 60 high.
"""

import io
import math
import random
from collections.abc import Callable, Sequence

from PIL import Image, ImageDraw

UNIT = 10  # pixels while drawing
REDUCED = 2  # times, at the end: 480 by 300 pixels
WIDTH, HEIGHT, GROUND = 96, 60, 51
DARK, LIGHT, WARM, RED, SEA, LAND = (
    *("#2d2f36", "#fdfaf2", "#f6c453", "#c8432f", "#8fbfd6", "#6f9a5d"),
)

Point = tuple[float, float]


class Canvas:
    """A picture with a wall, a floor and a shadow; shapes in one colour and its shades.

    Args:
        colour: of the thing, as hue from 0 to 360.
        saturation: of its colour, in percent.
    """

    def __init__(self, colour: int, saturation: int):
        self.main, self.deep, self.pale = (
            f"hsl({colour}, {saturation}%, {lightness}%)" for lightness in (46, 30, 68)
        )
        wall, floor = (f"hsl({(colour + 150) % 360}, 32%, {light}%)" for light in (88, 80))
        self.image = Image.new("RGB", (WIDTH * UNIT, HEIGHT * UNIT), wall)
        self._draw = ImageDraw.Draw(self.image)
        self.box(0, GROUND - 4, WIDTH, HEIGHT, floor)
        self.shadow = f"hsl({(colour + 150) % 360}, 24%, 68%)"

    def box(self, x: float, y: float, to_x: float, to_y: float, fill: str, corner: float = 0):
        """Draw a rectangle."""
        self._draw.rounded_rectangle(_scaled([(x, y), (to_x, to_y)]), corner * UNIT, fill)

    def oval(self, x: float, y: float, rx: float, ry: float, fill: str):
        """Draw an ellipse, by its middle and its radii."""
        self._draw.ellipse(_scaled([(x - rx, y - ry), (x + rx, y + ry)]), fill)

    def ring(self, x: float, y: float, r: float, fill: str, width: float = 1.2):
        """Draw a circle's line."""
        self._draw.ellipse(
            _scaled([(x - r, y - r), (x + r, y + r)]), outline=fill, width=int(width * UNIT)
        )

    def arc(self, x: float, y: float, rx: float, ry: float, turn: Point, fill: str, width: float):
        """Draw a part of an ellipse's line, in degrees clockwise from the right."""
        where = _scaled([(x - rx, y - ry), (x + rx, y + ry)])
        self._draw.arc(where, *turn, fill, int(width * UNIT))

    def shape(self, points: Sequence[Point], fill: str):
        """Draw a polygon."""
        self._draw.polygon(_scaled(points), fill)

    def line(self, points: Sequence[Point], fill: str, width: float = 1.4):
        """Draw a line with round ends and corners."""
        self._draw.line(_scaled(points), fill, int(width * UNIT), joint="curve")
        for x, y in (points[0], points[-1]):
            self.oval(x, y, width / 2, width / 2, fill)

    def ray(
        self, x: float, y: float, degrees: float, near: float, far: float, fill: str, width=1.0
    ):
        """Draw a line away from a point, in degrees clockwise from above."""
        turn = math.radians(degrees)
        across, along = math.sin(turn), -math.cos(turn)
        ends = [(x + across * r, y + along * r) for r in (near, far)]
        self.line(ends, fill, width)

    def as_png(self) -> bytes:
        """Return the picture as a file."""
        out = io.BytesIO()
        self.image.reduce(REDUCED).save(out, "PNG")
        return out.getvalue()


def picture(kind: str, sort: str) -> bytes:
    """Draw a thing, as PNG; the same names give the same picture every time."""
    hue, saturation = SORTS[sort]
    canvas = Canvas(hue + random.Random(kind).randint(-12, 12), saturation)
    canvas.oval(48, GROUND, 27, 2.6, canvas.shadow)
    KINDS[kind](canvas)
    return canvas.as_png()


def _scaled(points: Sequence[Point]) -> list[Point]:
    return [(x * UNIT, y * UNIT) for x, y in points]


def _lamp(c: Canvas) -> None:
    c.shape([(31, 27), (65, 27), (74, 50), (22, 50)], "#fbeec4")
    c.oval(48, GROUND, 13, 2.4, c.deep)
    c.line([(48, 26), (48, 49)], c.deep, 1.6)
    c.oval(48, 27, 4, 3.4, WARM)
    c.shape([(40, 9), (56, 9), (67, 27), (29, 27)], c.main)
    c.shape([(40, 9), (45, 9), (37, 27), (29, 27)], c.pale)
    c.line([(62, 27), (62, 34)], c.deep, 0.5)
    c.oval(62, 35, 0.9, 0.9, c.deep)


def _chair(c: Canvas) -> None:
    for x, to_x, to_y in ((35, 34, 46), (61, 62, 46)):
        c.line([(x, 33), (to_x, to_y)], c.deep, 1.8)
    for x, to_x in ((35, 34), (61, 62)):
        c.line([(x, 33), (to_x, 8)], c.main, 2.2)
    for y in (10, 16, 22):
        c.box(34, y, 62, y + 3.4, c.main, 1)
    c.shape([(34, 31), (62, 31), (67, 37), (29, 37)], c.pale)
    c.box(29, 36.5, 67, 38.6, c.main, 0.8)
    for x, to_x in ((31, 30), (65, 66)):
        c.line([(x, 38), (to_x, GROUND)], c.main, 2.2)


def _clock(c: Canvas) -> None:
    for x, foot in ((38, 33), (58, 63)):
        c.line([(x, 43), (foot, GROUND)], c.deep, 2)
    for x in (37, 59):
        c.oval(x, 11, 5, 4.4, c.pale)
    c.oval(48, 29, 20, 20, c.main)
    c.oval(48, 29, 16.5, 16.5, LIGHT)
    for hour in range(12):
        c.ray(48, 29, hour * 30, 13.4 if hour % 3 else 12.2, 14.6, DARK, 0.8)
    c.ray(48, 29, 305, 0, 8, DARK, 1.6)
    c.ray(48, 29, 60, 0, 11.5, DARK, 1.1)
    c.oval(48, 29, 1.4, 1.4, RED)


def _kettle(c: Canvas) -> None:
    c.arc(48, 24, 16, 17, (188, 352), DARK, 2)
    c.shape([(64, 33), (78, 21), (81, 23), (68, 45)], c.main)
    c.shape([(34, 24), (62, 24), (70, GROUND), (26, GROUND)], c.main)
    c.oval(48, 24, 14, 3.4, c.pale)
    c.oval(48, 21, 2.4, 2, DARK)
    c.shape([(36, 29), (40, 29), (36, 47), (31, 47)], c.pale)
    c.box(26, 48.4, 70, 51.4, c.deep, 1.2)
    for x in (79, 83):
        c.arc(x, 14, 2, 4, (90, 270), LIGHT, 0.9)
        c.arc(x, 7, 2, 4, (270, 90), LIGHT, 0.9)


def _radio(c: Canvas) -> None:
    c.line([(66, 20), (80, 5)], DARK, 0.8)
    c.oval(80, 5, 1, 1, DARK)
    c.arc(48, 19, 15, 7, (180, 360), c.deep, 1.8)
    c.box(20, 18, 76, 50, c.main, 4)
    c.box(23, 21, 73, 47, c.pale, 2.4)
    c.oval(36, 34, 10.5, 10.5, c.deep)
    for r in (8.6, 6.2, 3.8):
        c.ring(36, 34, r, c.main, 0.7)
    c.box(50, 24, 70, 31, LIGHT, 1)
    for mark in range(7):
        c.line([(52 + mark * 2.7, 26), (52 + mark * 2.7, 28)], DARK, 0.3)
    c.line([(61.5, 25), (61.5, 30)], RED, 0.6)
    for x in (54, 66):
        c.oval(x, 39, 4, 4, c.deep)
        c.ray(x, 39, 40, 1, 3, LIGHT, 0.8)
    for x in (26, 66):
        c.box(x, 50, x + 4, 52, c.deep)


def _bicycle(c: Canvas) -> None:
    for x in (28, 68):
        for spoke in range(0, 180, 30):
            c.ray(x, 38, spoke, -11, 11, "#9aa0a8", 0.25)
        c.ring(x, 38, 13, DARK, 1.5)
        c.oval(x, 38, 1.4, 1.4, DARK)
    rear, pedals, seat, head, front = (28, 38), (45, 38), (41, 20), (61, 19), (68, 38)
    c.line([rear, seat, pedals, rear], c.main, 1.7)
    c.line([seat, head, pedals], c.main, 1.7)
    c.line([(60, 13), head, front], c.main, 1.7)
    c.line([(60, 13), (55, 11.5)], DARK, 1.5)
    c.line([(60, 13), (65, 13), (66, 16)], DARK, 1.5)
    c.line([seat, (40, 15)], c.deep, 1.4)
    c.box(34.5, 13, 45, 15.6, DARK, 1.2)
    c.oval(45, 38, 3, 3, c.deep)
    c.line([(42, 43), (45, 38), (48, 33)], DARK, 1)


def _atlas(c: Canvas) -> None:
    c.shape([(12, 18), (48, 23), (84, 18), (84, 49), (48, 54), (12, 49)], c.main)
    for side in (-1, 1):
        page = [(48, 21), (48 + side * 33, 15), (48 + side * 33, 45), (48, 51)]
        c.shape(page, SEA)
    c.shape([(19, 19), (33, 21), (37, 28), (30, 33), (27, 40), (22, 36), (18, 28)], LAND)
    c.oval(40, 40, 3.4, 4.6, LAND)
    c.shape([(54, 25), (66, 19), (77, 20), (76, 30), (68, 34), (61, 31)], LAND)
    c.shape([(60, 36), (67, 36), (69, 42), (62, 46)], LAND)
    for y in (26, 36):
        c.line([(15, y - 1), (48, y + 5), (81, y - 1)], LIGHT, 0.25)
    c.line([(48, 21), (48, 52)], c.deep, 0.7)
    c.shape([(55, 49), (59, 48.4), (59, 57), (57, 55), (55, 57.6)], RED)


def _compass(c: Canvas) -> None:
    c.ring(48, 8.5, 4.4, c.deep, 1.3)
    c.box(46, 11, 50, 15, c.deep, 0.6)
    c.oval(48, 33, 19.5, 19.5, c.main)
    c.oval(48, 33, 16, 16, LIGHT)
    for degrees in range(0, 360, 15):
        near = 11.6 if degrees % 90 == 0 else 13.2
        c.ray(48, 33, degrees, near, 14.4, DARK, 0.9 if degrees % 90 == 0 else 0.4)
    c.shape([(57, 22), (51, 34.8), (45, 31.2)], RED)
    c.shape([(39, 44), (51, 34.8), (45, 31.2)], DARK)
    c.oval(48, 33, 1.6, 1.6, WARM)


def _lantern(c: Canvas) -> None:
    c.arc(48, 17, 13, 13, (180, 360), DARK, 1.3)
    c.oval(48, 34, 19, 17, "#fbeec4")
    c.shape([(43, 10), (53, 10), (61, 18), (35, 18)], c.main)
    c.shape([(37, 18), (59, 18), (62, 44), (34, 44)], "#fff6da")
    c.shape([(48, 22), (52.5, 33), (48, 39), (43.5, 33)], WARM)
    c.shape([(48, 28), (50, 34), (48, 38), (46, 34)], RED)
    c.line([(48, 38), (48, 44)], DARK, 1)
    for x, to_x in ((37, 34), (59, 62)):
        c.line([(x, 18), (to_x, 44)], c.main, 1.4)
    c.box(32, 43, 64, 47, c.main, 1)
    c.box(29, 47, 67, 51.4, c.deep, 1.4)


def _drum(c: Canvas) -> None:
    c.oval(48, 46, 24, 6, c.deep)
    c.box(24, 24, 72, 46, c.main)
    for place in range(6):
        x = 24 + place * 8
        c.line([(x, 26.5), (x + 4, 48), (x + 8, 26.5)], LIGHT, 0.8)
    c.arc(48, 46, 24, 6, (0, 180), c.pale, 2)
    c.oval(48, 24, 24, 6.4, c.pale)
    c.oval(48, 23.4, 21.5, 5.2, LIGHT)
    for x, to_x, to_y in ((74, 52, 21), (24, 43, 24)):
        c.line([(x, 8), (to_x, to_y)], "#b98a52", 1.3)
        c.oval(to_x, to_y, 1.8, 1.5, "#b98a52")


KINDS: dict[str, Callable[[Canvas], None]] = {
    "Lamp": _lamp,
    "Chair": _chair,
    "Clock": _clock,
    "Kettle": _kettle,
    "Radio": _radio,
    "Bicycle": _bicycle,
    "Atlas": _atlas,
    "Compass": _compass,
    "Lantern": _lantern,
    "Drum": _drum,
}
SORTS = {  # hue and saturation
    "Brass": (43, 62),
    "Folding": (150, 30),
    "Blue": (212, 58),
    "Pocket": (322, 32),
    "Wooden": (24, 50),
    "Quiet": (255, 14),
}
