"""Domains unlike brain MRI, on which networks and stages are tried: each differs in what the code reads."""

from __future__ import annotations

from tf_medsynth.config.domain import Domain, LabelSpec
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI

DOMAINS: dict[str, Domain] = {
    "brain": BRAIN_MRI,
    "colour": Domain(
        "colour",
        ("photograph",),
        channels=3,
        label=LabelSpec("structure", ("background", "vessel")),
        intensity="bytes",
    ),
    "pair": Domain("pair", ("ct", "pet"), label=LabelSpec("classes", ("background", "node", "primary"))),
    "three": Domain("three", ("a", "b", "c"), channels=3, label=LabelSpec("classes", ("no", "yes"))),
    "six": Domain("six", tuple("abcdef"), label=LabelSpec("classes", ("no", "yes"))),
}
"""M = 4, 1, 2, 3, 6 modalities of C = 1, 3, 1, 3, 1 channels with K = 5, 2, 3, 2, 2 classes."""

OTHERS = [name for name in DOMAINS if name != "brain"]
"""Those that the usual tests, which are of brain MRI, do not see."""
