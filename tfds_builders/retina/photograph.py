"""One photograph read and examined: sizes, colours, what mask and label say of the image."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from tf_medsynth.cohorts.report import Finding, Severity
from tf_medsynth.types import MedSynthError
from tfds_builders.retina.files import PhotographFiles

BRIGHT, DARK = 40, 20
"""Largest of the three channels: above the first the eye is lit, below the second nothing is."""

LIT_OUTSIDE, DARK_INSIDE, LABEL_OUTSIDE = 0.01, 0.05, 0.02
"""Shares of the image, of the field of view and of the label beyond which a reader is told.

The 20 training images of DRIVE have at most 0.006, 0 and 0.003.
"""

VESSEL_SHARE = (0.03, 0.25)
"""Of the field of view; annotators of DRIVE mark 0.09 to 0.17."""

LEAST_CONTRAST = 2.0
"""Grey levels: those 20 have 6 to 15; under a mirrored label, or another image's, all have less than 0.5."""


@dataclasses.dataclass(frozen=True)
class Photograph:
    """Pixels of one photograph.

    Attributes:
        image: `(H, W, 3)` uint8, red, green, blue.
        label: `(H, W)` bool, True on a vessel; None where there is no label.
        field_of_view: `(H, W)` bool, True where the eye is seen.
    """

    image: NDArray[np.uint8]
    label: NDArray[np.bool_] | None
    field_of_view: NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Examination:
    """What was seen of one photograph.

    Attributes:
        findings: in the order of the rules.
        facts: what was measured whether odd or not, plain values.
        digest: of the image's pixels, empty where it cannot be read.
        photograph: None where a finding is an error.
    """

    findings: tuple[Finding, ...]
    facts: dict[str, Any]
    digest: str = ""
    photograph: Photograph | None = None


def examine(files: PhotographFiles) -> Examination:
    """Reads a photograph and says what is odd about it; nothing is repaired."""
    findings: list[Finding] = []
    facts: dict[str, Any] = {}
    image = _read(files.image, findings, colour=True)
    label = _read(files.label, findings) if files.label else None
    mask = _read(files.mask, findings) if files.mask else None
    if files.mask is None:
        text = "the field of view is missing"
        findings.append(Finding("error", "missing_mask", text, "Add its mask to the folder `mask`"))
    digest = hashlib.sha256(image.tobytes()).hexdigest()[:16] if image is not None else ""
    if image is not None:
        facts["size"] = list(image.shape[:2])
        findings += _sizes(files, image.shape[:2], {"label": label, "mask": mask})
    binary = {
        kind: _binary(files.files[kind].name, kind, array, findings)
        for kind, array in (("label", label), ("mask", mask))
        if array is not None
    }
    seen = binary.get("mask")
    if image is None or seen is None or _errors(findings):
        return Examination(tuple(findings), facts, digest)
    photograph = Photograph(image, binary.get("label"), seen)
    findings += _content(files, photograph, facts)
    return Examination(tuple(findings), facts, digest, None if _errors(findings) else photograph)


def read_photograph(files: PhotographFiles) -> Photograph:
    """The photograph, which breaks no rule.

    Raises:
        MedSynthError: the first rule that it breaks.
    """
    seen = examine(files)
    for finding in seen.findings:
        if finding.severity == "error":
            raise MedSynthError(f"Image {files.name}: {finding.text}.")
    assert seen.photograph is not None
    return seen.photograph


def _read(path: Path, findings: list[Finding], colour: bool = False) -> NDArray[np.uint8] | None:
    """`(H, W, 3)` or `(H, W)` uint8; None, with a finding, where the file holds something else."""
    try:
        with Image.open(path) as opened:
            opened.load()
            mode, picture = opened.mode, opened.convert("RGB")
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        findings.append(Finding("error", "unreadable", f"cannot be read: {reason}", file=path.name))
        return None
    pixels = np.asarray(picture, np.uint8)
    grey = bool((pixels == pixels[..., :1]).all())
    if mode not in {"RGB", "RGBA", "P", "L", "1"} or (colour and mode in {"L", "1"}):
        wanted = "an RGB photograph of 8 bits a channel" if colour else "of 8 bits or fewer"
        findings.append(Finding("error", "colours", f"is of mode {mode}, not {wanted}", file=path.name))
        return None
    if not colour and not grey:
        findings.append(
            Finding("error", "colours", "has colours, where 0 and 1 are expected", file=path.name)
        )
        return None
    return pixels if colour else pixels[..., 0]


def _sizes(
    files: PhotographFiles, size: tuple[int, ...], others: dict[str, NDArray[Any] | None]
) -> list[Finding]:
    return [
        Finding(
            "error",
            f"{kind}_size",
            f"the {kind} has {array.shape[0]} x {array.shape[1]} px, the image {size[0]} x {size[1]}",
            file=files.files[kind].name,
        )
        for kind, array in others.items()
        if array is not None and array.shape != size
    ]


def _binary(
    name: str, kind: str, array: NDArray[np.uint8], findings: list[Finding]
) -> NDArray[np.bool_] | None:
    """Where `array` is not 0, if it holds 0 and one more value."""
    values = np.unique(array)
    if len(values) > 2 or (len(values) == 2 and values[0] != 0):
        text = f"the {kind} is not binary: {len(values)} values from {values[0]} to {values[-1]}"
        remedy = "Save it without loss, as GIF, PNG or TIFF of 0 and 255"
        findings.append(Finding("error", f"{kind}_values", text, remedy, name))
        return None
    if not array.any():
        severity: Severity = "error" if kind == "mask" else "warning"
        findings.append(Finding(severity, f"{kind}_empty", f"the {kind} is empty", file=name))
    return array > 0


def _content(files: PhotographFiles, photo: Photograph, facts: dict[str, Any]) -> list[Finding]:
    """What mask and label say of the image, against what it shows."""
    inside, most = photo.field_of_view, photo.image.max(axis=-1)
    lit, dark = float((most[~inside] > BRIGHT).sum() / inside.size), float((most[inside] < DARK).mean())
    facts |= {"field_of_view": float(inside.mean()), "lit_outside": lit, "dark_inside": dark}
    findings = []
    assert files.mask is not None
    if lit > LIT_OUTSIDE:
        text = f"the mask misses a part of the eye: {lit:.1%} of the image is lit outside of it"
        findings.append(Finding("warning", "mask_misses", text, file=files.mask.name))
    if dark > DARK_INSIDE:
        text = f"the mask is larger than the eye: {dark:.1%} of it is dark"
        findings.append(Finding("warning", "mask_wide", text, file=files.mask.name))
    if photo.label is None or files.label is None or not photo.label.any():
        return findings
    outside, share = float((~inside)[photo.label].mean()), float(photo.label[inside].mean())
    contrast = vessel_contrast(photo)
    facts |= {"vessels": share, "label_outside": outside, "vessel_contrast": contrast}
    if outside > LABEL_OUTSIDE:
        text = f"{outside:.1%} of the label lies outside of the field of view"
        findings.append(Finding("warning", "label_outside", text, file=files.label.name))
    if not VESSEL_SHARE[0] <= share <= VESSEL_SHARE[1]:
        text = f"vessels cover {share:.1%} of the field of view; annotations have 9 to 17 %"
        findings.append(Finding("warning", "label_share", text, file=files.label.name))
    if contrast < LEAST_CONTRAST:
        text = f"the label does not lie on dark lines: they differ by {contrast:.1f} grey levels in green"
        findings.append(
            Finding("warning", "label_misplaced", text, "Is it another image's?", files.label.name)
        )
    return findings


def vessel_contrast(photo: Photograph) -> float:
    """Grey levels by which green is darker on vessels than beside them, in the field of view.

    Beside them is within 3 px of a vessel, at 500 px across; both are compared after a wide blur is taken
    away, so that shadows of the whole eye do not count.
    """
    assert photo.label is not None
    scale = max(photo.image.shape[0] / 500, 0.2)
    green = photo.image[..., 1].astype(np.float32)
    flat = green - cv2.GaussianBlur(green, (0, 0), 12 * scale)
    reach = 2 * round(3 * scale) + 1
    near = cv2.dilate(photo.label.astype(np.uint8), np.ones((max(reach, 3),) * 2, np.uint8)) > 0
    rim = cv2.erode(photo.field_of_view.astype(np.uint8), np.ones((2 * max(reach, 3) + 1,) * 2, np.uint8)) > 0
    on, beside = photo.label & rim, near & ~photo.label & rim
    if not on.any() or not beside.any():
        return 0.0
    return float(np.median(flat[beside]) - np.median(flat[on]))


def _errors(findings: list[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)
