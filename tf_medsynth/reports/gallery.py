"""Samples as pictures: structure map, mask, label and modalities in a row, pixels kept crisp."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.imaging.labels.classes import ClassMap
from tf_medsynth.imaging.labels.palette import Colour
from tf_medsynth.metrics.arrays import as_grey, as_images, as_mask

Picture = NDArray[np.uint8]

TILE_SIDE = 176
"""Least width in px of an enlarged tile: room for its title."""

_INK, _EDGE, _PAPER = (20, 20, 20), (150, 150, 150), (255, 255, 255)
_GAP = 6


def class_colours(classes: Sequence[str]) -> dict[str, Colour]:
    """The colour of each labelled class, by its code; beyond seven they come again.

    Args:
        classes: names of the codes, what is not labelled first.
    """
    return ClassMap(tuple(classes)).colours


class Tile(NamedTuple):
    """One picture of a sample, at the size of the data."""

    name: str
    pixels: Picture  # (H, W, 3)


def sample_tiles(
    images: ArrayLike | None,
    structure_map: ArrayLike | None,
    background_mask: ArrayLike | None,
    lesion_label: ArrayLike | None,
    domain: Domain,
) -> list[list[Tile]]:
    """The tiles of each sample: structure, mask, label, then the modalities; what is None is left out.

    Args:
        images: `(n, H, W, M * C)` in [0, 1]; modalities of three channels are shown in colour, others on
            one grey scale.
        structure_map: `(n, H, W, 1)` of 0 and 1; lines are white.
        background_mask: `(n, H, W, 1)` of 0 and 1; the outside is white.
        lesion_label: `(n, ...)`, as its kind has it, in colour over the last modality (or over black).
        domain: names of modalities and classes.
    """
    columns: list[tuple[str, list[Picture]]] = []
    for name, maps in (("structure map", structure_map), ("background mask", background_mask)):
        if maps is not None:
            inside = as_mask(maps, np.shape(maps), name)
            columns.append((name, [_grey(one.astype(np.float32)) for one in inside]))
    scans = None if images is None else as_images(images)
    if lesion_label is not None and domain.label.kind != "none":
        under = None if scans is None else as_grey(scans, domain.channels)[..., -1]
        shown = [x for x in (scans, structure_map, background_mask, lesion_label) if x is not None]
        height, width = np.shape(shown[0])[1:3]
        columns.append(("label", label_kind(domain).pictures(lesion_label, height, width, under)))
    if scans is not None:
        check(
            "each modality needs its name",
            scans.shape[-1] == domain.image_channels,
            images=scans.shape,
            modalities=domain.modalities,
            channels=domain.channels,
        )
        by_modality = np.split(scans, domain.num_modalities, axis=-1)
        columns += [
            (name, [modality_picture(one) for one in own])
            for name, own in zip(domain.modalities, by_modality, strict=True)
        ]
    sizes = {picture.shape for _, pictures in columns for picture in pictures}
    counts = {len(pictures) for _, pictures in columns}
    check(
        "a gallery needs samples of one number and size",
        len(sizes) == 1 and len(counts) == 1,
        sizes=sorted(sizes),
        counts=sorted(counts),
    )
    return [[Tile(name, pictures[k]) for name, pictures in columns] for k in range(counts.pop())]


def label_overlays(
    lesion_label: ArrayLike, classes: Sequence[str], under: ArrayLike | None = None
) -> list[Picture]:
    """Each label in `class_colours` over a darkened grey image, as `(H, W, 3)` uint8.

    Args:
        lesion_label: `(n, H, W)` or `(n, H, W, 1)` class codes.
        classes: names of the codes, what is not labelled first.
        under: `(n, H, W)` in [0, 1]; None for black.
    """
    labels = np.asarray(lesion_label)
    height, width = (*labels.shape[1:3], 0, 0)[:2]
    return ClassMap(tuple(classes)).pictures(labels, height, width, under)


def gallery(
    images: ArrayLike | None,
    structure_map: ArrayLike | None,
    background_mask: ArrayLike | None,
    lesion_label: ArrayLike | None,
    titles: Sequence[str],
    domain: Domain,
) -> bytes:
    """A PNG with one titled row of enlarged tiles a sample and a legend of the lesion colours.

    Args:
        images: `(n, H, W, M * C)` in [0, 1].
        structure_map: `(n, H, W, 1)` of 0 and 1.
        background_mask: same.
        lesion_label: `(n, ...)`, as its kind has it.
        titles: n row titles, e.g. "real, patient 7" and "synthetic, same map and label".
        domain: names of modalities and classes.
    """
    rows = sample_tiles(images, structure_map, background_mask, lesion_label, domain)
    check("each sample needs its title", len(titles) == len(rows), titles=len(titles), samples=len(rows))
    height, width = rows[0][0].pixels.shape[:2]
    scale = max(1, math.ceil(TILE_SIDE / width))
    size_of_text = max(12, scale * width // 12)
    text, bold = (ImageFont.truetype(str(_font_file(name)), size_of_text) for name in ("", "-Bold"))
    line = int(1.4 * size_of_text)
    step_x, step_y = scale * width + _GAP, scale * height + line + _GAP
    legend = line + _GAP if lesion_label is not None and domain.label.kind != "none" else 0
    head = line + _GAP
    size = (_GAP + len(rows[0]) * step_x, head + len(rows) * step_y + legend + _GAP)
    page = Image.new("RGB", size, _PAPER)
    pen = ImageDraw.Draw(page)
    for column, tile in enumerate(rows[0]):
        pen.text((_GAP + column * step_x, 2), tile.name, fill=_INK, font=bold)
    for number, (title, row) in enumerate(zip(titles, rows, strict=True)):
        top = head + number * step_y
        pen.text((_GAP, top), title, fill=_INK, font=text)
        for column, tile in enumerate(row):
            left = _GAP + column * step_x
            pen.rectangle(
                (left - 1, top + line - 1, left + scale * width, top + line + scale * height), outline=_EDGE
            )
            page.paste(Image.fromarray(enlarged(tile.pixels, scale)), (left, top + line))
    if legend:
        colours = label_kind(domain).colours
        _draw_legend(pen, colours, top=size[1] - line - _GAP, width=size[0], text=text)
    return _png(page)


def enlarged(pixels: Picture, scale: int) -> Picture:
    """`pixels` with each one repeated `scale` times down and across: no smoothing."""
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


def png(pixels: Picture) -> bytes:
    """`(H, W, 3)` uint8 pixels as a PNG file; grey pictures are stored as grey."""
    grey = bool((pixels == pixels[..., :1]).all())
    return _png(Image.fromarray(pixels[..., 0] if grey else pixels))


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def modality_picture(image: NDArray[np.float32]) -> Picture:
    """`(H, W, 3)` uint8 of one modality `(H, W, C)` in [0, 1]: in colour where C is 3, else grey."""
    return _grey(image[..., 0]) if image.shape[-1] == 1 else _levels(image)


def _levels(values: NDArray[np.float32]) -> Picture:
    # `as_images` lets rounding errors pass; they must not wrap around in 8 bits.
    levels: Picture = np.round(255 * values.clip(0, 1)).astype(np.uint8)
    return levels


def _grey(values: NDArray[np.float32]) -> Picture:
    return np.repeat(_levels(values)[..., None], 3, axis=-1)


def _draw_legend(
    pen: ImageDraw.ImageDraw,
    colours: Mapping[str, Colour],
    top: int,
    width: int,
    text: ImageFont.FreeTypeFont,
) -> None:
    names = {name: name.replace("_", "-") for name in colours}
    swatch = int(text.size)
    while sum(text.getlength(name) + 2.5 * swatch for name in names.values()) > width and text.size > 8:
        text = text.font_variant(size=text.size - 1)
        swatch = int(text.size)
    left = float(_GAP)
    for name, shown in names.items():
        pen.rectangle((left, top + 2, left + swatch, top + 2 + swatch), fill=colours[name], outline=_INK)
        pen.text((left + 1.3 * swatch, top), shown, fill=_INK, font=text)
        left += text.getlength(shown) + 2.5 * swatch


def _font_file(weight: str) -> Path:
    """The font that comes with matplotlib: no machine lacks it."""
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"DejaVuSans{weight}.ttf"
