"""A patient's arrays as pictures: window and level, label and lines laid over."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tf_medsynth.config.base import Config, check
from tf_medsynth.config.domain import Domain
from tf_medsynth.reports.gallery import Picture, class_colours, label_overlays, png
from tf_medsynth.saved_model.patients import Patient

LINE_COLOUR = (255, 89, 172)
"""Of the structure map over an image; no lesion class has it."""


@dataclass(frozen=True)
class Window(Config):
    """Which intensities are shown from black to white.

    Attributes:
        level: in the middle of the scale, in [0, 1].
        width: from black to white, above 0 to 2.
    """

    level: float = 0.5
    width: float = 1.0

    def __post_init__(self) -> None:
        check("level must lie in [0, 1]", 0.0 <= self.level <= 1.0, level=self.level)
        check("width must lie above 0, up to 2", 0.0 < self.width <= 2.0, width=self.width)


@dataclass(frozen=True)
class Look(Config):
    """How a patient's images are shown.

    Attributes:
        windows: one a modality.
        label: opacity of the lesion label over an image, in [0, 1].
        lines: opacity of the structure map over an image, in [0, 1].
    """

    windows: tuple[Window, ...] = ()
    label: float = 0.0
    lines: float = 0.0

    def __post_init__(self) -> None:
        for name in ("label", "lines"):
            value = getattr(self, name)
            check(f"{name} is an opacity, 0 to 1", 0.0 <= value <= 1.0, **{name: value})


def windowed(image: NDArray[np.float32], window: Window) -> NDArray[np.float32]:
    """`image` on the scale of `window`, clipped to [0, 1]."""
    return np.clip((image - window.level) / window.width + 0.5, 0.0, 1.0)


def blended(
    image: NDArray[np.float32],
    label: NDArray[np.float32],
    lines: NDArray[np.float32],
    window: Window,
    look: Look,
    classes: Sequence[str],
) -> Picture:
    """`(H, W, 3)` uint8: the image, the lines over it, the label over both.

    Args:
        image: `(H, W, C)` in [0, 1], shown in colour where C is 3.
        label: `(H, W)` class codes.
        lines: `(H, W)` of 0 and 1.
        window: of this image.
        look: opacities.
        classes: names of the codes, what is not labelled first.
    """
    palette = np.array([(0, 0, 0), *class_colours(classes).values()], np.float64)
    mixed = np.broadcast_to(255.0 * windowed(image, window), (*image.shape[:2], 3))
    for colour, opacity in (
        (np.array(LINE_COLOUR, np.float64), look.lines * (lines > 0.5)),
        (palette[label.astype(int)], look.label * (label > 0)),
    ):
        mixed = opacity[..., None] * colour + (1 - opacity[..., None]) * mixed
    picture: Picture = np.round(mixed).astype(np.uint8)
    return picture


def map_pictures(patient: Patient, classes: Sequence[str]) -> dict[str, Picture]:
    """Structure map, organ and label by name, `(H, W, 3)` uint8 each."""
    lines, mask = patient.structure_map[..., 0], patient.background_mask[..., 0]
    grey = {"Structure map": lines, "Organ": 1.0 - mask}
    shown = {n: np.repeat(np.round(255 * a).astype(np.uint8)[..., None], 3, -1) for n, a in grey.items()}
    return shown | {"Lesion label": label_overlays(patient.lesion_label[None], classes)[0]}


def modality_pictures(patient: Patient, look: Look, domain: Domain) -> dict[str, Picture]:
    """Each modality by its name, as `look` says."""
    label, lines = patient.lesion_label[..., 0], patient.structure_map[..., 0]
    images = np.split(patient.images, domain.num_modalities, axis=-1)
    return {
        name: blended(image, label, lines, window, look, domain.label.classes)
        for name, image, window in zip(domain.modalities, images, look.windows, strict=True)
    }


def data_address(picture: Picture) -> str:
    """The picture inside an address, as a browser shows it."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")
