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
    """The class of `BRAIN_MRI` that a label's name means; None where it means none, or several."""
    words = re.sub(r"[-_/,&+]+", " ", text.lower()).strip()
    if words in _ABBREVIATIONS:
        return _ABBREVIATIONS[words]
    if "whole" in words:
        return None
    if re.search(r"flair hyperintens|snfh", words):
        return "oedema"
    negated = re.search(r"\b(non|not|no|un|without)\b.*enhanc|\b(non|un)enhanc", words)
    necrosis, enhancing = "necro" in words, "enhanc" in words and not negated
    found = {
        "background": bool(re.search(r"background|cavity", words)),
        "oedema": "edema" in words,
        "necrosis": necrosis,
        # BraTS called the two together necrotic and non-enhancing core, and they are read as necrosis
        "non_enhancing": bool(negated or re.search(r"\bnet\b", words)) and not necrosis,
        "enhancing": enhancing,
    }
    named = [name for name, holds in found.items() if holds]
    return named[0] if len(named) == 1 else None


_ABBREVIATIONS = {"ncr": "necrosis", "ncr net": "necrosis", "ed": "oedema", "et": "enhancing"}
_ABBREVIATIONS |= {"net": "non_enhancing", "netc": "non_enhancing", "rc": "background"}
