"""Stage T: one modality to another, with a shared U-Net that is told the target modality.

Source: Qu et al. (thesis), eq. 19-21.
Deviates: the adversarial terms judge the translated image (the authors' script judged the real
one), the class target is the target modality, and terms sum over ordered pairs. `paired` is ours: a
squared error to the real slice of the target modality, for registered patients. The small presets
train mostly by it, a supervised translator, since a few hundred steps of cycles alone teach little;
with weight 0, the thesis' own, no pair is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, product
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from tf_medsynth.config.families.translation import TranslationSettings
from tf_medsynth.data.draws import Draw
from tf_medsynth.layers.dropout import rows_of_parts
from tf_medsynth.losses import adversarial, reconstruction
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.types import MODALITIES, Tensor

_M = len(MODALITIES)


def as_rows(images: Tensor) -> Tensor:
    """``(B, H, W, M)`` as ``(B M, H, W, 1)``: each modality a row, a sample's modalities together."""
    _, height, width, modalities = images.shape
    rows = ops.transpose(images, (0, 3, 1, 2))
    return ops.reshape(rows, (-1, height, width, 1)) if modalities else images


def row_modalities(rows: Tensor) -> Tensor:
    """One-hot modality ``(B M, M)`` of the rows that `as_rows` gives."""
    return ops.tile(ops.eye(_M, dtype="float32"), (ops.shape(rows)[0] // _M, 1))


def translate(
    encoder: keras.Model,
    decoder: keras.Model,
    images: Tensor,
    offsets: Sequence[Tensor],
    training: bool,
) -> list[Tensor]:
    """For each offset d, all modalities, modality j made from modality j - d of the same sample.

    A source is encoded once, whatever the number of offsets.

    Args:
        images: ``(B, H, W, M)``.
        offsets: ``(B,)`` int32 each, taken modulo M.

    Returns:
        One ``(B, H, W, M)`` float32 an offset.
    """
    order = ops.arange(_M, dtype="int32")[None, :]
    by_source = translate_sources(
        encoder, decoder, images, [ops.mod(order + offset[:, None], _M) for offset in offsets], training
    )
    sources = [ops.mod(order - offset[:, None], _M) for offset in offsets]
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
        images: ``(B, H, W, M)``.
        targets: ``(B, M)`` int32 each, the target of each source.

    Returns:
        One ``(B, H, W, M)`` float32 each, channel i made from modality i.
    """
    with rows_of_parts(_M):
        features = encoder(as_rows(images), training=training)
        _, height, width, _ = images.shape
        made = []
        for target in targets:
            condition = ops.one_hot(ops.reshape(target, (-1,)), _M, dtype="float32")
            drawn = ops.cast(decoder([*features, condition], training=training), "float32")
            made.append(ops.transpose(ops.reshape(drawn, (-1, _M, height, width)), (0, 2, 3, 1)))
    return made


def translate_to(encoder: keras.Model, decoder: keras.Model, images: Tensor, target: Tensor) -> Tensor:
    """Images ``(B, H, W, 1)`` float32 in [0, 1] of modality `target`, made from others.

    Args:
        images: ``(B, H, W, 1)`` in [0, 1], of any modality: the networks are not told which.
        target: ``(B,)`` integer, index into `MODALITIES`.
    """
    condition = ops.one_hot(target, _M, dtype="float32")
    features = encoder(images, training=False)
    return ops.cast(decoder([*features, condition], training=False), "float32")


def translation_offsets(pairs: str, drawn: Tensor) -> list[Tensor]:
    """Offsets of a step: all of 1 .. M-1, or the one drawn a sample from a uniform in [1, M)."""
    if pairs == "one":
        return [ops.cast(drawn, "int32")]
    return [ops.zeros_like(drawn, dtype="int32") + d for d in range(1, _M)]


def agreement(made: Sequence[Tensor]) -> Tensor:
    """Mean squared difference, ``(B,)``, summed over pairs of translations into one modality: two or more."""
    return _M * sum(reconstruction.squared_error(a, b) for a, b in combinations(made, 2))


def pair_sum(target: Tensor, made: Sequence[Tensor]) -> Tensor:
    """Squared error to the target, ``(B,)``, summed over the M (M - 1) ordered pairs.

    One drawn offset a sample stands for all M - 1: its sum is scaled up to theirs.
    """
    errors = [reconstruction.squared_error(target, image) for image in made]
    return _M * (_M - 1) / len(made) * sum(errors)


class Pairing(NamedTuple):
    """One translation a source, laid out so that translations meet: see `pairings`.

    Attributes:
        targets: target of each source.
        partners: the other source with the same target; the source itself where there is none.
    """

    targets: tuple[int, ...]
    partners: tuple[int, ...]


def pairings(modalities: int) -> list[Pairing]:
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
    return [one for one, number in zip(found, met, strict=True) if number == max(met)]


def registration_loss(
    encoder: keras.Model, decoder: keras.Model, images: Tensor, pairs: str, drawn: Tensor
) -> Tensor:
    """L_reg, ``(B,)``: squared errors between images and their translations, over the ordered pairs, and
    a quarter of those between translations into one modality, over the pairs of their sources.

    With ``one`` translation a source it is estimated without bias, at a third of the cost.

    Args:
        encoder: frozen, as `decoder`.
        images: ``(B, H, W, M)``; gradients reach them as source and as target.
        pairs: ``all`` or ``one``.
        drawn: ``(B,)`` uniform in [0, 1), which `Pairing` a sample has.

    Source: Qu et al. (thesis), eq. 16, with the weights 20 and 5 of the authors' runs as 1 and 1/4.
    """
    if pairs == "all":
        every = [ops.zeros_like(drawn, dtype="int32") + d for d in range(1, _M)]
        made = translate(encoder, decoder, images, every, training=False)
        return pair_sum(images, made) + 0.25 * agreement(made)
    tables = pairings(_M)
    chosen = ops.cast(ops.floor(drawn * len(tables)), "int32")
    targets, partners = (
        ops.take(np.array([getattr(one, name) for one in tables], "int32"), chosen, axis=0)
        for name in ("targets", "partners")
    )
    made = translate_sources(encoder, decoder, images, [targets], training=False)[0]
    meetings = _M * (_M - 1) * (_M - 2) / 2 / (_M // 2)  # pairs of translations for each that is drawn
    between = 0.5 * _M * reconstruction.squared_error(made, in_order(made, partners))
    return pair_sum(in_order(images, targets), [made]) + 0.25 * meetings * between


class TranslationStage(AdversarialStage):
    """Stage T. Networks: ``translation_encoder``, ``translation_decoder``, ``discriminator``."""

    players = {
        "generator": ("translation_encoder", "translation_decoder"),
        "discriminator": ("discriminator",),
    }
    phases = {"train": ("generator", "discriminator")}
    averaged = ("translation_encoder", "translation_decoder")

    def __init__(self, settings: TranslationSettings, **base: Any):
        super().__init__(weights=settings.weights, **base)
        self.settings = settings

    def draws(self) -> Mapping[str, Draw]:
        """How many modalities ahead a sample's targets lie, where one pair a source is drawn."""
        return {"offset": Draw((), "uniform", 1.0, float(_M))}

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Each modality as others, and from those back to itself."""
        images = batch["images"]
        networks = self.networks["translation_encoder"], self.networks["translation_decoder"]
        offsets = translation_offsets(self.settings.pairs, draws["offset"])
        translated = translate(*networks, images, offsets, training)
        cycled = [
            translate(*networks, image, [-offset], training)[0]
            for image, offset in zip(translated, offsets, strict=True)
        ]
        real, fake = as_rows(images), [as_rows(image) for image in translated]
        with rows_of_parts(_M):
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
                "real": modality_sum(adversarial.least_squares_real_loss(outputs["validity_real"])),
                "fake": self._pairs(adversarial.least_squares_fake_loss(outputs["validity_fake"])),
            }
            if "modality_real" in outputs:
                terms["modality_real"] = modality_sum(_modality(outputs["modality_real"]))
            return terms
        terms = {
            "adversarial": self._pairs(adversarial.least_squares_real_loss(outputs["validity_fake"])),
            "cycle": pair_sum(images, outputs["cycled"]),
            "paired": pair_sum(images, outputs["translated"]),
        }
        if "modality_fake" in outputs:
            terms["modality"] = self._pairs(_modality(outputs["modality_fake"]))
        if len(outputs["translated"]) > 1:
            terms["agreement"] = agreement(outputs["translated"])
        return terms

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each modality, and the same made from the modality before it."""
        images = batch["images"]
        one = ops.ones((ops.shape(images)[0],), dtype="int32")
        networks = self.best("translation_encoder"), self.best("translation_decoder")
        made = translate(*networks, images, [one], training=False)[0]
        return {
            name: ops.concatenate([images[..., i : i + 1], made[..., i : i + 1]], axis=2)
            for i, name in enumerate(MODALITIES)
        }

    def _pairs(self, rows: Tensor) -> Tensor:
        """Sum over ordered pairs of a row loss ``(T B M,)`` of T offsets."""
        offsets = 1 if self.settings.pairs == "one" else _M - 1
        by_offset = ops.reshape(rows, (offsets, -1, _M))
        return ops.sum(by_offset, axis=(0, 2)) * ((_M - 1) / offsets)


def modality_sum(rows: Tensor) -> Tensor:
    """Sum over a sample's modalities, ``(B,)``, of a row loss ``(B M,)``."""
    return ops.sum(ops.reshape(rows, (-1, _M)), axis=-1)


def _modality(prediction: Tensor) -> Tensor:
    return adversarial.modality_loss(prediction, row_modalities(prediction))


def in_order(images: Tensor, order: Tensor) -> Tensor:
    """Channels of ``(B, H, W, M)`` in a sample's own order ``(B, M)``."""
    index = ops.broadcast_to(order[:, None, None, :], ops.shape(images))
    return ops.take_along_axis(images, index, axis=-1)
