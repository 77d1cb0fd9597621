"""Stage T: one modality to another, with a shared U-Net that is told the target modality.

Source: Qu et al. (thesis), eq. 19-21.
Deviates: the adversarial terms judge the translated image (the authors' script judged the real
one), the class target is the target modality, and terms sum over ordered pairs. `paired` is ours: a
squared error to the real slice of the target modality, for registered patients. The small presets
train mostly by it, a supervised translator, since a few hundred steps of cycles alone teach little;
with weight 0, the thesis' own, no pair is looked at.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families.translation import TranslationSettings, TranslationWeights
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.config.network_specs import UNetSpec
from tf_medsynth.data.draws import Draw
from tf_medsynth.imaging.modalities import (
    as_rows,
    by_modality,
    from_rows,
    in_order,
    modality_sum,
    row_modalities,
)
from tf_medsynth.layers.dropout import rows_of_parts
from tf_medsynth.losses import adversarial, reconstruction
from tf_medsynth.networks import build_discriminator, build_unet_decoder, build_unet_encoder
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.stages.sizes import Size, image_discriminator
from tf_medsynth.types import Tensor


def translate(
    encoder: keras.Model,
    decoder: keras.Model,
    images: Tensor,
    offsets: Sequence[Tensor],
    modalities: int,
    training: bool,
) -> list[Tensor]:
    """For each offset d, all modalities, modality j made from modality j - d of the same sample.

    A source is encoded once, whatever the number of offsets.

    Args:
        images: ``(B, H, W, M C)``.
        offsets: ``(B,)`` int32 each, taken modulo M.
        modalities: M.

    Returns:
        One ``(B, H, W, M C)`` float32 an offset.
    """
    order = ops.arange(modalities, dtype="int32")[None, :]
    targets = [ops.mod(order + offset[:, None], modalities) for offset in offsets]
    by_source = translate_sources(encoder, decoder, images, targets, training)
    sources = [ops.mod(order - offset[:, None], modalities) for offset in offsets]
    return [in_order(made, source) for made, source in zip(by_source, sources, strict=True)]


def translate_sources(
    encoder: keras.Model,
    decoder: keras.Model,
    images: Tensor,
    targets: Sequence[Tensor],
    training: bool,
) -> list[Tensor]:
    """For each of `targets`, every modality as the modality that it names; a source is encoded once.

    Args:
        images: ``(B, H, W, M C)``.
        targets: ``(B, M)`` int32 each, the target of each source; one at least.

    Returns:
        One ``(B, H, W, M C)`` float32 each, modality i of it made from modality i.
    """
    modalities = targets[0].shape[-1]
    with rows_of_parts(modalities):
        features = encoder(as_rows(images, images.shape[-1] // modalities), training=training)
        made = []
        for target in targets:
            condition = ops.one_hot(ops.reshape(target, (-1,)), modalities, dtype="float32")
            drawn = ops.cast(decoder([*features, condition], training=training), "float32")
            made.append(from_rows(drawn, modalities))
    return made


def translate_to(
    encoder: keras.Model, decoder: keras.Model, images: Tensor, target: Tensor, modalities: int
) -> Tensor:
    """Images ``(B, H, W, C)`` float32 in [0, 1] of modality `target`, made from others.

    Args:
        images: ``(B, H, W, C)`` in [0, 1], of any modality: the networks are not told which.
        target: ``(B,)`` integer, the modality's place in the domain.
        modalities: M.
    """
    condition = ops.one_hot(target, modalities, dtype="float32")
    features = encoder(images, training=False)
    return ops.cast(decoder([*features, condition], training=False), "float32")


def translation_offsets(pairs: str, drawn: Tensor, modalities: int) -> list[Tensor]:
    """Offsets of a step: all of 1 .. M-1, or the one drawn a sample from a uniform in [1, M)."""
    if pairs == "one":
        return [ops.cast(drawn, "int32")]
    return [ops.zeros_like(drawn, dtype="int32") + d for d in range(1, modalities)]


def agreement(made: Sequence[Tensor], modalities: int) -> Tensor:
    """Mean squared difference, ``(B,)``, summed over pairs of translations into one modality: two or more."""
    return modalities * sum(reconstruction.squared_error(a, b) for a, b in combinations(made, 2))


def pair_sum(target: Tensor, made: Sequence[Tensor], modalities: int) -> Tensor:
    """Squared error to the target, ``(B,)``, summed over the M (M - 1) ordered pairs.

    One drawn offset a sample stands for all M - 1: its sum is scaled up to theirs.
    """
    errors = [reconstruction.squared_error(target, image) for image in made]
    return modalities * (modalities - 1) / len(made) * sum(errors)


class Pairing(NamedTuple):
    """One translation a source, laid out so that translations meet: see `pairings`.

    Attributes:
        targets: target of each source.
        partners: the other source with the same target; the source itself where there is none.
    """

    targets: tuple[int, ...]
    partners: tuple[int, ...]


@functools.cache
def pairings(modalities: int) -> tuple[Pairing, ...]:
    """Every way to give each source a target in which as many targets as can be have two sources.

    All alike, for every renaming of the modalities: a drawn one holds each of the ordered pairs, and each
    of the pairs of translations into one target, with the same probability.
    """
    found = []
    for targets in product(range(modalities), repeat=modalities):
        if all(target != source for source, target in enumerate(targets)):
            same = [[other for other in range(modalities) if targets[other] == t] for t in targets]
            if max(map(len, same)) <= 2:
                partners = (sum(both) - i if len(both) == 2 else i for i, both in enumerate(same))
                found.append(Pairing(targets, tuple(partners)))
    met = [sum(i != partner for i, partner in enumerate(one.partners)) for one in found]
    most = max(met)
    return tuple(one for one, number in zip(found, met, strict=True) if number == most)


def registration_loss(
    encoder: keras.Model, decoder: keras.Model, images: Tensor, pairs: str, drawn: Tensor, modalities: int
) -> Tensor:
    """L_reg, ``(B,)``: squared errors between images and their translations, over the ordered pairs, and
    a quarter of those between translations into one modality, over the pairs of their sources. Of two
    modalities no two translations have one target.

    With ``one`` translation a source it is estimated without bias, at a third of the cost.

    Args:
        encoder: frozen, as `decoder`.
        images: ``(B, H, W, M C)``; gradients reach them as source and as target.
        pairs: ``all`` or ``one``.
        drawn: ``(B,)`` uniform in [0, 1), which `Pairing` a sample has.
        modalities: M, two at least.

    Source: Qu et al. (thesis), eq. 16, with the weights 20 and 5 of the authors' runs as 1 and 1/4.
    """
    if pairs == "all":
        every = translation_offsets(pairs, drawn, modalities)
        made = translate(encoder, decoder, images, every, modalities, training=False)
        return pair_sum(images, made, modalities) + 0.25 * agreement(made, modalities)
    tables = pairings(modalities)
    chosen = ops.cast(ops.floor(drawn * len(tables)), "int32")
    targets, partners = (
        ops.take(np.array([getattr(one, name) for one in tables], "int32"), chosen, axis=0)
        for name in ("targets", "partners")
    )
    made = translate_sources(encoder, decoder, images, [targets], training=False)[0]
    # Pairs of translations for each that is drawn.
    meetings = modalities * (modalities - 1) * (modalities - 2) / 2 / (modalities // 2)
    between = 0.5 * modalities * reconstruction.squared_error(made, in_order(made, partners))
    return pair_sum(in_order(images, targets), [made], modalities) + 0.25 * meetings * between


def check_translatable(domain: Domain) -> None:
    """Raises where there is no second modality to translate to."""
    check(
        "a translation needs two modalities",
        domain.num_modalities > 1,
        "Leave the stage out: no other stage needs it where images have one modality.",
        domain=domain.name,
        modalities=domain.modalities,
    )


def _weights(weights: TranslationWeights, domain: Domain) -> TranslationWeights:
    """Those of two modalities leave out `agreement`: no two translations have one target."""
    return weights if domain.num_modalities > 2 else dataclasses.replace(weights, agreement=0.0)


class TranslationStage(AdversarialStage):
    """Stage T, of two modalities at least.

    Networks: ``translation_encoder``, ``translation_decoder``, ``discriminator``.
    """

    players = {
        "generator": ("translation_encoder", "translation_decoder"),
        "discriminator": ("discriminator",),
    }
    phases = {"train": ("generator", "discriminator")}
    averaged = ("translation_encoder", "translation_decoder")

    def __init__(self, settings: TranslationSettings, domain: Domain, **base: Any):
        check_translatable(domain)
        super().__init__(weights=_weights(settings.weights, domain), **base)
        self.settings = settings
        self.domain = domain
        self.modalities = domain.num_modalities

    def draws(self) -> Mapping[str, Draw]:
        """How many modalities ahead a sample's targets lie, where one pair a source is drawn."""
        return {"offset": Draw((), "uniform", 1.0, float(self.modalities))}

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Each modality as others, and from those back to itself."""
        images = batch["images"]
        networks = self.networks["translation_encoder"], self.networks["translation_decoder"]
        offsets = translation_offsets(self.settings.pairs, draws["offset"], self.modalities)
        translated = translate(*networks, images, offsets, self.modalities, training)
        cycled = [
            translate(*networks, image, [-offset], self.modalities, training)[0]
            for image, offset in zip(translated, offsets, strict=True)
        ]
        real, *fake = (as_rows(image, self.domain.channels) for image in (images, *translated))
        with rows_of_parts(self.modalities):
            judged = self.networks["discriminator"](ops.concatenate([real, *fake], axis=0), training=training)
        outputs, split = {"translated": translated, "cycled": cycled}, ops.shape(real)[0]
        for head, rows in judged.items():
            outputs |= {f"{head}_real": rows[:split], f"{head}_fake": rows[split:]}
        return outputs

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Terms of thesis eq. 19-21, each a sum over modalities or ordered pairs of a sample."""
        images = batch["images"]
        if player == "discriminator":
            terms = {
                "real": self._sum(adversarial.least_squares_real_loss(outputs["validity_real"])),
                "fake": self._pairs(adversarial.least_squares_fake_loss(outputs["validity_fake"])),
            }
            if "modality_real" in outputs:
                terms["modality_real"] = self._sum(self._modality(outputs["modality_real"]))
            return terms
        terms = {
            "adversarial": self._pairs(adversarial.least_squares_real_loss(outputs["validity_fake"])),
            "cycle": pair_sum(images, outputs["cycled"], self.modalities),
            "paired": pair_sum(images, outputs["translated"], self.modalities),
        }
        if "modality_fake" in outputs:
            terms["modality"] = self._pairs(self._modality(outputs["modality_fake"]))
        if len(outputs["translated"]) > 1:
            terms["agreement"] = agreement(outputs["translated"], self.modalities)
        return terms

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each modality, and the same made from the modality before it."""
        images = batch["images"]
        one = ops.ones((ops.shape(images)[0],), dtype="int32")
        networks = self.best("translation_encoder"), self.best("translation_decoder")
        made = translate(*networks, images, [one], self.modalities, training=False)[0]
        names = self.domain.modalities
        real, translated = by_modality(images, names), by_modality(made, names)
        return {name: ops.concatenate([real[name], translated[name]], axis=2) for name in names}

    def _pairs(self, rows: Tensor) -> Tensor:
        """Sum over ordered pairs of a row loss ``(T B M,)`` of T offsets."""
        others = self.modalities - 1
        offsets = 1 if self.settings.pairs == "one" else others
        by_offset = ops.reshape(rows, (offsets, -1, self.modalities))
        return ops.sum(by_offset, axis=(0, 2)) * (others / offsets)

    def _sum(self, rows: Tensor) -> Tensor:
        return modality_sum(rows, self.modalities)

    def _modality(self, prediction: Tensor) -> Tensor:
        return adversarial.modality_loss(prediction, row_modalities(prediction, self.modalities))


def build_translator(spec: UNetSpec, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """Both halves of a translator by name, which stage M needs of stage T."""
    spec = dataclasses.replace(
        spec,
        image_size=image_size,
        in_channels=domain.channels,
        out_channels=domain.channels,
        conditions=domain.num_modalities,
    )
    return {
        "translation_encoder": build_unet_encoder(spec),
        "translation_decoder": build_unet_decoder(spec),
    }


def networks_of(settings: TranslationSettings, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that the family trains, by their names."""
    check_translatable(domain)
    critic = image_discriminator(settings.discriminator, domain, image_size)
    translator = build_translator(settings.generator, domain, image_size)
    return {**translator, "discriminator": build_discriminator(critic)}


def stage_of(
    settings: TranslationSettings, operators: OperatorConfig, domain: Domain, image_size: Size, **base: Any
) -> TranslationStage:
    """The stage over those networks."""
    return TranslationStage(settings, domain, **base)
