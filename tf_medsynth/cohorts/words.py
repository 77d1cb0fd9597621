"""What the words in names of files, channels and labels mean: a modality, the label, a class."""

from __future__ import annotations

import re

from tf_medsynth.config.layouts import LABEL

_EDGE, _END = r"(?<![a-z0-9])", r"(?![a-z0-9])"
_CONTRAST = r"(ce|c|gd|gad|gadolinium|post|km|contrast|enhanced|\+c|plus)"

_LABEL = r"(seg|segm|segmentation|dseg|mask|labels?(tr|ts)?|truth|gt|roi|annotation)"

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(f"{_EDGE}(?:{pattern}){_END}", re.IGNORECASE))
    for kind, pattern in (
        ("Flair", r"(t2[-_ ]?)?(flair|fla|flr)|t2f"),
        ("T1c", rf"t1([-_ ]?weighted|w|n)?[-_ ]*{_CONTRAST}w?|{_CONTRAST}[-_ ]*t1(w|n)?|ct1"),
        ("T2", r"t2(w|n)?|t2[-_ ]weighted"),
        ("T1", r"t1(w|n)?|t1[-_ ]?(pre|native|weighted)"),
        (LABEL, rf"(auto|manual|final|tumou?r)?[-_ ]?{_LABEL}"),
    )
)


def kind_of(text: str) -> tuple[str, tuple[int, int]] | None:
    """The modality, or ``"label"``, that a name speaks of, and where in it; None where it says nothing.

    What is said later in a name counts, and contrast and FLAIR count before plain T1 and T2.
    """
    for kind, pattern in _KINDS:
        matches = list(pattern.finditer(text))
        if matches:
            return kind, matches[-1].span()
    return None


def class_of(text: str) -> str | None:
    """The class of `LESION_CLASSES` that a label's name means; None where it means none, or several."""
    words = text.lower().replace("-", " ").replace("_", " ")
    if "background" in words or "cavity" in words:
        return "background"
    if "whole" in words or ("core" in words and "non" not in words and "necro" not in words):
        return None
    if "edema" in words or "oedema" in words or "snfh" in words:
        return "oedema"
    if "necro" in words or words.strip() == "ncr":
        return "necrosis"
    if re.search(r"non ?enhanc|\bnet\b|\bnetc\b", words):
        return "non_enhancing"
    if "enhanc" in words or words.strip() == "et":
        return "enhancing"
    return None
