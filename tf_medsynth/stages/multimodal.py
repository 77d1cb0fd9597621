"""Stage M: structure map + noise + lesion label to all modalities of one imaginary patient.

One encoding, M decodings: the modalities of a sample share every line by construction.

Source: Qu et al. (thesis), eq. 12-18.
Deviates: the lesion label reaches the generator (the authors' script left it out); modality terms
are cross-entropies; real slices on their own map and label stay in the step, weighted by the
terms of eq. 18 and their like, which is what holds the contrast; weight 0 gives the thesis' own;
the discriminator of eq. 13 and 14 also judges these paired renderings, half and half with the drawn
patients, where the thesis has it judge drawn patients alone;
a guide of all modalities together counts once a modality, so that eq. 15 weighs alike in every scheme.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families.multimodal import MultimodalSettings, MultimodalWeights
from tf_medsynth.config.imaging import FusionConfig, OperatorConfig
from tf_medsynth.data.draws import Draw
from tf_medsynth.imaging.fusion import fuse_label, fuse_noise
from tf_medsynth.imaging.labels import LabelKind, label_kind
from tf_medsynth.imaging.modalities import as_rows, by_modality, modality_sum, row_modalities
from tf_medsynth.layers.dropout import rows_of_parts
from tf_medsynth.losses import adversarial, reconstruction, structural
from tf_medsynth.networks import (
    build_calibration,
    build_discriminator,
    build_unet_decoder,
    build_unet_encoder,
)
from tf_medsynth.networks.encode_once import decode_each
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.stages.calibration import fit_calibration
from tf_medsynth.stages.guide import guidance
from tf_medsynth.stages.guides import guide_of
from tf_medsynth.stages.sizes import Size, image_discriminator
from tf_medsynth.stages.translation import registration_loss
from tf_medsynth.types import Tensor

GUIDED_BY: Mapping[str, tuple[str, ...]] = {
    "label_error": ("label_error",),
    "overlap": ("cross_entropy", "overlap"),
}
"""Terms of the guide that make the lesion term, by the settings' `lesion_loss`."""


def fuse(
    structure_map: Tensor,
    background_mask: Tensor,
    lesion_label: Tensor,
    uniform: Tensor,
    settings: FusionConfig,
    kind: LabelKind,
) -> Tensor:
    """Generator input: lines without what the label erases, noise inside the organ, and the label (eq. 12).

    Args:
        structure_map: ``(B, H, W, 1)``.
        background_mask: ``(B, H, W, 1)``.
        lesion_label: as `kind` has it.
        uniform: ``(B, H, W, 1)`` noise.
        settings: how they are fused.
        kind: of the domain's labels.

    Deviates: the joint paper, whose fusion is ``weighted``, has no noise; here its map has it as well.
    ``noise_low=0 noise_high=0`` gives the paper's own.
    """
    _, height, width, _ = structure_map.shape
    noisy = fuse_noise(kind.erase(structure_map, lesion_label), background_mask, uniform)
    return fuse_label(noisy, kind.planes(lesion_label, height, width), settings)


def render(
    encoder: keras.Model,
    decoder: keras.Model,
    fused: Tensor,
    pixel_noise: Tensor | None,
    modalities: int,
    training: bool,
) -> Tensor:
    """All modalities ``(B, H, W, M C)`` float32 in [0, 1] of a fused input, encoded once.

    A decoder of one modality is told no condition.
    """
    features = encoder(fused if pixel_noise is None else [fused, pixel_noise], training=training)
    conditions = ops.eye(modalities, dtype="float32") if modalities > 1 else None
    images = decode_each(features, decoder, conditions, training=training)
    return ops.cast(images, "float32")


def _weights(weights: MultimodalWeights, domain: Domain) -> MultimodalWeights:
    """Those that `domain` can have: nothing tells one modality apart, and it is registered with no other;
    without labels there is no guide.
    """
    if domain.num_modalities == 1:
        weights = dataclasses.replace(weights, modality_real=0.0, modality=0.0, registration=0.0)
    return dataclasses.replace(weights, lesion=0.0) if domain.label.kind == "none" else weights


class MultimodalStage(AdversarialStage):
    """Stage M.

    Networks: ``encoder``, ``decoder``, ``discriminator``, ``calibration``, which is fitted at the end;
    frozen: the segmentors of one of `guides.SCHEMES`, and of two modalities or more
    ``translation_encoder``, ``translation_decoder``.
    """

    players = {"generator": ("encoder", "decoder"), "discriminator": ("discriminator",)}
    phases = {"pretrain": ("generator",), "adversarial": ("generator", "discriminator")}
    averaged = ("encoder", "decoder")
    fitted = ("calibration",)

    def __init__(
        self, settings: MultimodalSettings, domain: Domain, image_size: tuple[int, int], **base: Any
    ):
        weights = _weights(settings.weights, domain)
        super().__init__(weights=weights, phase_weights={"pretrain": settings.pretraining}, **base)
        self.settings = settings
        self.domain = domain
        self.modalities = domain.num_modalities
        self.label_kind = label_kind(domain)
        self.image_size = image_size
        self.guide = guide_of(
            self.networks, domain, settings.lesion_class_weights, "multimodal.lesion_class_weights"
        )

    def noise_draws(self) -> dict[str, Draw]:
        """What an imaginary patient is drawn from beside map and label: noise inside the organ
        (eq. 12) and, where the generator takes it, unit-normal noise of the pixels.
        """
        low, high = self.settings.fusion.noise_low, self.settings.fusion.noise_high
        drawn = {"noise": Draw((*self.image_size, 1), "uniform", low, high)}
        if self.settings.generator.pixel_noise:
            drawn["pixel_noise"] = Draw((*self.image_size, 1))
        return drawn

    def draws(self) -> Mapping[str, Draw]:
        """Noise of the drawn patient and of the real one's rendering, and which pairs are registered."""
        noise = self.noise_draws()
        paired = {f"paired_{name}": spec for name, spec in noise.items()}
        return {**noise, **paired, "pairing": Draw((), "uniform")}

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Real slices on their own map and label; drawn maps with free labels; who judges them."""
        fusion = self.settings.fusion
        own = (batch["structure_map"], batch["background_mask"], batch["lesion_label"])
        fused = fuse(*own, draws["paired_noise"], fusion, self.label_kind)
        pixel_noise = draws.get("paired_pixel_noise")
        networks = self.networks["encoder"], self.networks["decoder"]
        if self.phase == "pretrain":
            return {"paired": render(*networks, fused, pixel_noise, self.modalities, training)}
        free_draw = (batch["drawn_map"], batch["drawn_mask"], batch["drawn_label"])
        drawn = fuse(*free_draw, draws["noise"], fusion, self.label_kind)
        if pixel_noise is not None:
            pixel_noise = ops.concatenate([pixel_noise, draws["pixel_noise"]], axis=0)
        both = ops.concatenate([fused, drawn], axis=0)
        images = render(*networks, both, pixel_noise, self.modalities, training)
        paired, free = ops.split(images, 2, axis=0)
        judged_images = (batch["images"], paired, free)
        rows = ops.concatenate([as_rows(x, self.domain.channels) for x in judged_images], axis=0)
        with rows_of_parts(self.modalities):
            judged = self.networks["discriminator"](rows, training=training)
        outputs = {"paired": paired, "free": free}
        for head, said in judged.items():
            for name, part in zip(("real", "paired", "free"), ops.split(said, 3, axis=0), strict=True):
                outputs[f"{head}_{name}"] = part
        if self.guide is not None:
            outputs["lesion_logits"] = self.guide.reads(free)
        if self.weights_by_term["registration"]:
            translator = self.networks["translation_encoder"], self.networks["translation_decoder"]
            outputs["registration"] = registration_loss(
                *translator, free, self.settings.translations, draws["pairing"], self.modalities
            )
        return outputs

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Terms of thesis eq. 13-18, each a sum over a sample's modalities or ordered pairs."""
        if player == "discriminator":
            fake = adversarial.least_squares_fake_loss
            terms = {
                "real": self._sum(adversarial.least_squares_real_loss(outputs["validity_real"])),
                "fake": 0.5 * self._sum(fake(outputs["validity_free"]) + fake(outputs["validity_paired"])),
            }
            if "modality_real" in outputs:
                terms["modality_real"] = self._sum(self._modality(outputs["modality_real"]))
            return terms
        terms = self._paired_terms(batch, outputs["paired"])
        if self.phase == "adversarial":
            terms |= self._free_terms(batch, outputs)
        return terms

    def _paired_terms(self, batch: Mapping[str, Tensor], paired: Tensor) -> Terms:
        images, organ = batch["images"], 1.0 - batch["background_mask"]
        inside = self.label_kind.inside(batch["lesion_label"], *self.image_size)
        emphasis = 1.0 + (self.settings.lesion_emphasis - 1.0) * inside
        return {
            "reconstruction": reconstruction.absolute_error(images, paired, emphasis),
            "squared_reconstruction": reconstruction.squared_error(images, paired),
            "masked_reconstruction": reconstruction.squared_error(images, paired, batch["background_mask"]),
            "dissimilarity": structural.dissimilarity(images, paired, organ),
        }

    def _free_terms(self, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        real = adversarial.least_squares_real_loss
        free = outputs["free"]
        terms = {
            "adversarial": 0.5 * self._sum(real(outputs["validity_free"]) + real(outputs["validity_paired"]))
        }
        if self.guide is not None:
            found = batch["drawn_label"], outputs["lesion_logits"]
            terms["lesion"] = guidance(
                self.guide, *found, GUIDED_BY[self.settings.lesion_loss], self.modalities
            )
        terms["background"] = reconstruction.suppression(free, batch["drawn_mask"])
        if "modality_free" in outputs:
            terms["modality"] = self._sum(self._modality(outputs["modality_free"]))
        if "registration" in outputs:
            terms["registration"] = outputs["registration"]
        return terms

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Drawn map and label, and all modalities of the patient drawn from them."""
        drawn = (batch["drawn_map"], batch["drawn_mask"], batch["drawn_label"])
        images = self.render(*drawn, self.drawn("preview", batch, self.noise_draws()))
        codes = self.label_kind.codes(batch["drawn_label"], *self.image_size)
        label = ops.cast(codes, "float32") / max(self.domain.num_classes - 1, 1)
        pictures = by_modality(images, self.domain.modalities)
        return {"map": batch["drawn_map"], "label": label, **pictures}

    def diagnose(self, batch: Mapping[str, Tensor]) -> dict[str, float]:
        """How well the guide finds the label in drawn patients; of segmentors their soft Dice."""
        if self.guide is None:
            return {}
        pictures = self.preview(batch)
        images = ops.concatenate([pictures[m] for m in self.domain.modalities], axis=-1)
        agreement = self.guide.agreement(batch["drawn_label"], self.guide.reads(images))
        return {"lesion_agreement": float(ops.mean(agreement))}

    def render(
        self,
        structure_map: Tensor,
        background_mask: Tensor,
        lesion_label: Tensor,
        draws: Mapping[str, Tensor],
    ) -> Tensor:
        """All modalities ``(B, H, W, M C)`` of a map, mask and label, with the averaged networks.

        Args:
            draws: of `noise_draws`.
        """
        own = (structure_map, background_mask, lesion_label)
        fused = fuse(*own, draws["noise"], self.settings.fusion, self.label_kind)
        networks = self.best("encoder"), self.best("decoder")
        images = render(*networks, fused, draws.get("pixel_noise"), self.modalities, training=False)
        return self.networks["calibration"]([images, ops.convert_to_tensor(background_mask, "float32")])

    def finish(self, batches: tf.data.Dataset) -> None:
        """Gives drawn patients the mean and spread of real ones, modality by modality."""

        def drawn(batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
            free = (batch["drawn_map"], batch["drawn_mask"], batch["drawn_label"])
            return self.render(*free, self.drawn("calibration", batch, self.noise_draws())), free[1]

        fit_calibration(self.networks["calibration"], batches, drawn)

    def _modality(self, prediction: Tensor) -> Tensor:
        return adversarial.modality_loss(prediction, row_modalities(prediction, self.modalities))

    def _sum(self, rows: Tensor) -> Tensor:
        return modality_sum(rows, self.modalities)


def networks_of(settings: MultimodalSettings, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that the family trains, by their names."""
    spec = dataclasses.replace(
        settings.generator,
        image_size=image_size,
        in_channels=label_kind(domain).num_planes + (settings.fusion.label_mode == "concat"),
        out_channels=domain.channels,
        conditions=domain.num_modalities if domain.num_modalities > 1 else 0,
    )
    critic = image_discriminator(settings.discriminator, domain, image_size)
    return {
        "encoder": build_unet_encoder(spec),
        "decoder": build_unet_decoder(spec),
        "calibration": build_calibration(image_size, domain.image_channels),
        "discriminator": build_discriminator(critic),
    }


def stage_of(
    settings: MultimodalSettings, operators: OperatorConfig, domain: Domain, image_size: Size, **base: Any
) -> MultimodalStage:
    """The stage over those networks."""
    return MultimodalStage(settings, domain, image_size, **base)
