"""Settings of an evaluation: how many samples, how many pairs, and how a feature extractor is trained."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tf_medsynth.config.base import Config, check

Level = float | tuple[float, ...]
"""What one intensity becomes before a network: one number, or one a channel."""

ARCHITECTURES: Mapping[str, tuple[Level, Level]] = {
    "InceptionV3": (-1.0, 1.0),
    "ResNet50": ((-103.939, -116.779, -123.68), (151.061, 138.221, 131.32)),
    "DenseNet121": (
        (-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225),
        (0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225),
    ),
}
"""Networks of `keras.applications` whose weights may stand alone in a file, and what black and white are
to the weights that Keras publishes: its ``preprocess_input`` of grey, whose three channels are alike, so
that the order of colours plays no part."""

METRICS = ("structure", "quality", "registration", "realism", "lesion", "distribution", "diversity")
"""Groups of measures, as ``--metrics`` names them."""


@dataclasses.dataclass(frozen=True)
class FeatureSettings(Config):
    """A small encoder that is trained on the cohort itself.

    Attributes:
        filters: of its levels, the first at full resolution, each next at half of it; a feature
            vector holds the last level's.
        steps: of optimisation.
        batch_size: images a step.
        learning_rate: of Adam, falling to 0 along half a cosine.
        held_out: every so many-th patient tells how well the task was learned.
    """

    filters: tuple[int, ...] = (16, 32, 48, 64)
    steps: int = 1000
    batch_size: int = 32
    learning_rate: float = 2e-3
    held_out: int = 5

    def __post_init__(self) -> None:
        check(
            "an encoder has levels of 1 filter or more",
            bool(self.filters) and min(self.filters) > 0,
            filters=self.filters,
        )
        for name in ("steps", "batch_size", "learning_rate"):
            check(f"{name} must be positive", getattr(self, name) > 0, **{name: getattr(self, name)})
        check("held_out must be at least 2", self.held_out >= 2, held_out=self.held_out)


@dataclasses.dataclass(frozen=True)
class EvaluationSettings(Config):
    """How much of two data sets is measured.

    Attributes:
        samples: most synthetic samples, except for features.
        registered: most images of each set whose modalities are registered.
        feature_samples: most images of each set of which features are taken.
        neighbours: that make a neighbourhood of features.
        pairs: of images, for diversity.
        features: of the training of an extractor.
    """

    samples: int = 1000
    registered: int = 200
    feature_samples: int = 10_000
    neighbours: int = 5
    pairs: int = 500
    features: FeatureSettings = dataclasses.field(default_factory=FeatureSettings)

    def __post_init__(self) -> None:
        for name in ("samples", "registered", "feature_samples", "neighbours", "pairs"):
            check(f"{name} must be at least 1", getattr(self, name) >= 1, **{name: getattr(self, name)})
