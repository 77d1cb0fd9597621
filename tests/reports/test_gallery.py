import io

import numpy as np
import pytest
from PIL import Image

from tf_medsynth.reports.gallery import (
    LESION_COLOURS,
    TILE_SIDE,
    enlarged,
    gallery,
    label_overlays,
    png,
    sample_tiles,
)
from tf_medsynth.types import LESION_CLASSES, MedSynthError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 20, 16, 2), np.float32)
MAPS = RANDOM.integers(2, size=(2, 20, 16, 1)).astype(np.float32)
LABEL = RANDOM.integers(5, size=(2, 20, 16, 1))
NAMES = ("T1", "Flair")


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)))


def test_tiles_are_the_data_in_order() -> None:
    tiles = sample_tiles(IMAGES, MAPS, 1 - MAPS, LABEL, NAMES)[1]
    assert [tile.name for tile in tiles] == ["structure map", "background mask", "label", "T1", "Flair"]
    assert np.array_equal(tiles[0].pixels[..., 1], 255 * MAPS[1, ..., 0])
    assert np.abs(tiles[4].pixels[..., 0] / 255 - IMAGES[1, ..., 1]).max() <= 0.5 / 255 + 1e-6


def test_every_class_has_its_colour_and_the_rest_stays_grey() -> None:
    label = np.arange(5).reshape(1, 1, 5)
    overlay = label_overlays(label)[0][0]
    assert overlay[0].tolist() == [0, 0, 0]
    assert [tuple(c) for c in overlay[1:].tolist()] == [LESION_COLOURS[name] for name in LESION_CLASSES[1:]]
    over_grey = label_overlays(0 * label, np.full((1, 1, 5), 0.5))[0]
    assert (over_grey == over_grey[..., :1]).all()


def test_gallery_holds_each_tile_enlarged_without_smoothing() -> None:
    page = pixels(gallery(IMAGES, MAPS, None, LABEL, ["real", "synthetic"], NAMES))
    scale = -(-TILE_SIDE // 16)
    wanted = enlarged(sample_tiles(IMAGES, MAPS, None, LABEL, NAMES)[1][3].pixels, scale)
    rows, columns = wanted.shape[:2]
    corner = wanted[0, 0]
    places = [
        (y, x)
        for y, x in np.argwhere((page == corner).all(axis=-1))
        if np.array_equal(page[y : y + rows, x : x + columns], wanted)
    ]
    assert len(places) == 1


def test_parts_that_are_none_are_left_out() -> None:
    structure_only = pixels(gallery(None, MAPS, 1 - MAPS, None, ["a", "b"]))
    everything = pixels(gallery(IMAGES, MAPS, 1 - MAPS, LABEL, ["a", "b"], NAMES))
    assert structure_only.shape[1] < everything.shape[1] / 2


def test_png_keeps_every_pixel() -> None:
    coloured = label_overlays(LABEL)[0]
    assert np.array_equal(pixels(png(coloured)), coloured)
    grey = sample_tiles(None, MAPS, None, None)[0][0].pixels
    assert np.array_equal(pixels(png(grey)), grey[..., 0])


def test_parts_that_do_not_fit_are_refused() -> None:
    for arguments, rule in (
        ((IMAGES, MAPS[:1], None, None, ["a", "b"], NAMES), "one number and size"),
        ((IMAGES, None, None, None, ["a"], NAMES), "its title"),
        ((IMAGES, None, None, LABEL + 5, ["a", "b"], NAMES), "codes 0 to 4"),
        ((3 * IMAGES, None, None, None, ["a", "b"], NAMES), "lie in"),
    ):
        with pytest.raises(MedSynthError, match=rule):
            gallery(*arguments)
