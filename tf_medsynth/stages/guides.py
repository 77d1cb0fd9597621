"""Stage L: lesion segmentors, the guides of stage M and the judges of what it draws.

Source: Qu et al. (thesis), eq. 15, 22; `lesion_logits` is what eq. 15 sends gradients through.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families.lesion import LesionSettings
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.network_specs import UNetSpec
from tf_medsynth.losses import lesion
from tf_medsynth.networks import build_segmentor, build_segmentor_decoder, build_segmentor_encoder
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.stages.guide import Guide, SegmentorGuide
from tf_medsynth.stages.sizes import Size, sized
from tf_medsynth.types import Tensor

SCHEMES = ("single", "shared", "multiple", "stacked")

Chains = tuple[tuple[str, ...], ...]


MAPS = ("classes", "structure")
"""Kinds of labels that a segmentor finds."""


def chains_of(scheme: str, modalities: Sequence[str]) -> Chains:
    """The segmentors of a scheme, each a chain of networks by name.

    There is one segmentor a modality, which sees nothing else, or a lone one that sees all together.

    Source: Qu et al., section 2.7: 1SEG, 1EC_l + 4DC_l, 4SEG; their availability study's network is stacked.
    Deviates: the encoder hands its skip maps to the decoders as well.
    """
    if scheme == "stacked":
        return (("segmentor_stacked",),)
    if scheme == "single":
        return (("segmentor_single",),) * len(modalities)
    if scheme == "shared":
        return tuple(("segmentor_encoder", f"segmentor_decoder_{m}") for m in modalities)
    check(
        "unknown scheme of segmentors", scheme == "multiple", f"Known: {', '.join(SCHEMES)}.", scheme=scheme
    )
    return tuple((f"segmentor_{m}",) for m in modalities)


def segmentor_names(scheme: str, modalities: Sequence[str]) -> tuple[str, ...]:
    """Names of a scheme's networks."""
    return tuple(dict.fromkeys(name for chain in chains_of(scheme, modalities) for name in chain))


def scheme_of(networks: Mapping[str, keras.Model], modalities: Sequence[str]) -> str:
    """The scheme whose networks are among `networks`.

    Raises:
        MedSynthError: there are those of no scheme.
    """
    whole = [scheme for scheme in SCHEMES if set(segmentor_names(scheme, modalities)) <= set(networks)]
    check("the networks hold the segmentors of one scheme", len(whole) == 1, networks=sorted(networks))
    return whole[0]


def lesion_logits(
    networks: Mapping[str, keras.Model], images: Tensor, modalities: Sequence[str], training: bool
) -> list[Tensor]:
    """Class logits ``(B, H, W, K)`` of each segmentor: of its own modality, or of all for a lone one.

    Args:
        networks: by name, those of one scheme among them, which decides what sees what.
        images: ``(B, H, W, M C)``.
        modalities: names of the M.
        training: passed to the networks.
    """
    chains = chains_of(scheme_of(networks, modalities), modalities)
    seen = [images] if len(chains) == 1 else ops.split(images, len(chains), axis=-1)
    return [_through(networks, *both, training) for both in zip(chains, seen, strict=True)]


def segmentor_guide(
    networks: Mapping[str, keras.Model], modalities: Sequence[str], class_weights: Sequence[float]
) -> SegmentorGuide:
    """The segmentors among `networks` as a guide.

    Args:
        networks: by name, those of one scheme among them.
        modalities: names of the M.
        class_weights: K weights.
    """

    def read(images: Tensor, training: bool) -> list[Tensor]:
        return lesion_logits(networks, images, modalities, training)

    return SegmentorGuide(read, tuple(class_weights))


def guide_of(
    networks: Mapping[str, keras.Model], domain: Domain, class_weights: Sequence[float], setting: str
) -> Guide | None:
    """The guide of a domain's labels among `networks`, None where there is no label.

    Args:
        networks: by name, the guide's among them.
        domain: of the images.
        class_weights: as `losses.lesion.class_weights` takes them.
        setting: where they come from, for the error.

    Raises:
        MedSynthError: labels that no stage trains a guide of, networks of none.
    """
    kind = domain.label.kind
    if kind == "none":
        return None
    check("stages train guides of maps of classes or structures", kind in MAPS, domain=domain.name, kind=kind)
    weights = lesion.class_weights(class_weights, domain.num_classes, setting)
    scheme_of(networks, domain.modalities)
    return segmentor_guide(networks, domain.modalities, weights)


def _through(
    networks: Mapping[str, keras.Model], chain: tuple[str, ...], seen: Tensor, training: bool
) -> Tensor:
    for name in chain:
        seen = networks[name](seen, training=training)
    return seen


class LesionStage(AdversarialStage):
    """Stage L; one player owns every segmentor, whose losses meet in shared networks only."""

    players = {"segmentor": ()}
    phases = {"train": ("segmentor",)}

    def __init__(self, settings: LesionSettings, domain: Domain, **base: Any):
        names = segmentor_names(settings.scheme, domain.modalities)
        self.players = {"segmentor": names}
        self.averaged = names
        super().__init__(weights=settings.weights, **base)
        self.settings = settings
        self.domain = domain
        self.names = names
        weights = lesion.class_weights(settings.class_weights, domain.num_classes, "lesion.class_weights")
        self.guide = segmentor_guide(self.networks, domain.modalities, weights)

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Logits of each segmentor on the real images."""
        return {"lesion_logits": self.guide.reads(batch["images"], training)}

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Cross-entropy, overlap and label error, summed over segmentors."""
        return self.guide.loss(batch["lesion_label"], outputs["lesion_logits"])

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Images, their label, and what the first segmentor makes of them."""
        scale = 1.0 / (self.domain.num_classes - 1)
        found = ops.cast(self.segment(batch["images"])[..., :1], "float32")
        label = ops.cast(batch["lesion_label"], "float32")
        last = batch["images"][..., -self.domain.channels :]
        return {"image": last, "label": label * scale, "predicted": found * scale}

    def segment(self, images: Tensor) -> Tensor:
        """Predicted class of each segmentor, ``(B, H, W, n)`` int32, with the averaged networks."""
        return self.segment_surely(images)[0]

    def segment_surely(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """As `segment`, and the probability of any lesion, ``(B, H, W, n)`` float32 in [0, 1]."""
        best = {name: self.best(name) for name in self.names}
        guide = segmentor_guide(best, self.domain.modalities, self.guide.class_weights)
        return guide.found(guide.reads(images))


_PARTS = {1: (build_segmentor,), 2: (build_segmentor_encoder, build_segmentor_decoder)}
"""What builds the parts of a segmentor, by their number."""


def build_segmentors(spec: UNetSpec, scheme: str, domain: Domain) -> dict[str, keras.Model]:
    """The networks of a scheme by name, each with as many channels as its segmentor sees."""
    kind = domain.label.kind
    check("a segmentor learns labels of pixels", kind in MAPS, domain=domain.name, kind=kind)
    chains = chains_of(scheme, domain.modalities)
    seen = domain.image_channels if len(chains) == 1 else domain.channels
    spec = dataclasses.replace(spec, in_channels=seen, out_channels=domain.num_classes)
    built: dict[str, keras.Model] = {}
    for chain in chains:
        for name, build in zip(chain, _PARTS[len(chain)], strict=True):
            if name not in built:
                built[name] = build(spec, name)
    return built


def networks_of(settings: LesionSettings, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that the family trains, by their names."""
    return build_segmentors(sized(settings.segmentor, image_size), settings.scheme, domain)


def stage_of(
    settings: LesionSettings, operators: OperatorConfig, domain: Domain, image_size: Size, **base: Any
) -> LesionStage:
    """The stage over those networks."""
    return LesionStage(settings, domain, **base)
