"""Settings of a lesion that somebody draws: where it lies, how large it is, of what it is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tf_medsynth.config.base import Config, check


@dataclass(frozen=True)
class LesionShape(Config):
    """An ellipse of one class, or three nested ones: oedema around an enhancing rim around necrosis.

    Attributes:
        kind: ``nested``, or the one class of the whole ellipse, by its name in the domain.
        row: of the centre, as a share of the image's height, in [0, 1]; 0 is the top.
        column: of the centre, as a share of the image's width, in [0, 1]; 0 is the left.
        radius: of the circle with the ellipse's area, as a share of the image's shorter side.
        elongation: long half-axis over the short one, in [1, 4].
        angle: degrees from the image's right to the long axis, counter-clockwise, in [0, 180].
        core: nested: outer radius of the enhancing rim, as a share of the whole, in (0, 1].
        necrosis: nested: radius of the necrosis, as a share of the rim's, in [0, 1).
    """

    kind: str = "nested"
    row: float = 0.5
    column: float = 0.5
    radius: float = 0.12
    elongation: float = 1.0
    angle: float = 0.0
    core: float = 0.6
    necrosis: float = 0.5

    def __post_init__(self) -> None:
        for name in ("row", "column"):
            value = getattr(self, name)
            check(f"{name} is a share of the image, 0 to 1", 0.0 <= value <= 1.0, **{name: value})
        check("radius is a share of the image, above 0 to 0.5", 0.0 < self.radius <= 0.5, radius=self.radius)
        check("elongation must lie in 1 .. 4", 1.0 <= self.elongation <= 4.0, elongation=self.elongation)
        check("angle must lie in 0 .. 180 degrees", 0.0 <= self.angle <= 180.0, angle=self.angle)
        check("core is a share of the lesion, above 0 to 1", 0.0 < self.core <= 1.0, core=self.core)
        inner = 0.0 <= self.necrosis < 1.0
        check("necrosis is a share of the core, 0 to below 1", inner, necrosis=self.necrosis)

    @property
    def half_axes(self) -> tuple[float, float]:
        """The long and the short one, in the unit of `radius`."""
        stretch = math.sqrt(self.elongation)
        return self.radius * stretch, self.radius / stretch

    def words(self) -> list[str]:
        """``key=value`` of everything that differs from the defaults; `kind` and place always."""
        plain = LesionShape()
        always = ("kind", "row", "column", "radius")
        values = self.to_dict().items()
        return [f"{k}={_short(v)}" for k, v in values if k in always or v != getattr(plain, k)]


def _short(value: str | float) -> str:
    """The shortest text that is read as the same number."""
    return value if isinstance(value, str) else repr(float(value)).removesuffix(".0")
