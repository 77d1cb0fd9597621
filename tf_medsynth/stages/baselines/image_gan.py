"""A GAN for each modality, from noise (the papers' plain GAN) or from a sketch (their SkrGAN*).

Source: `method` sections 3.8 and 4.6, Qu et al.; Zhang et al., SkrGAN, MICCAI 2019, for the sketch.
Deviates: the sketch is the run's structure map, without the lesion's lines, as stage S draws them;
the papers' own sketch has them. By default the networks are as wide as stage M's, with its
normalisation, and drawn with their moving average. Their images are calibrated as stage M's are,
everywhere that is not dark, since a GAN of images has no mask; a sketch's by the maps of real slices.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.image_gan import BaselineSettings
from tf_medsynth.config.imaging import OperatorConfig
from tf_medsynth.data.draws import Draw
from tf_medsynth.imaging.modalities import by_modality
from tf_medsynth.losses import adversarial, reconstruction
from tf_medsynth.networks import build_calibration, build_discriminator, build_unet
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.stages.calibration import fit_calibration
from tf_medsynth.stages.sizes import Size, image_discriminator
from tf_medsynth.types import Tensor


def of_each_modality(role: str, modalities: Sequence[str]) -> tuple[str, ...]:
    """Names of the networks that play `role`, one a modality."""
    return tuple(f"{role}_{modality}" for modality in modalities)


class ImageGANStage(AdversarialStage):
    """A baseline. Networks: ``generator_<modality>`` and ``discriminator_<modality>``; ``calibration``,
    which is fitted at the end.

    A player owns all networks of its role, whose losses do not touch each other; only the bound on
    the gradient is one for all.
    """

    players = {"generator": (), "discriminator": ()}
    phases = {"train": ("generator", "discriminator")}
    fitted = ("calibration",)

    def __init__(self, settings: BaselineSettings, domain: Domain, image_size: tuple[int, int], **base: Any):
        self.players = {role: of_each_modality(role, domain.modalities) for role in type(self).players}
        self.averaged = self.players["generator"]
        super().__init__(weights=settings.weights, **base)
        self.settings = settings
        self.domain = domain
        self.image_size = image_size

    def draws(self) -> Mapping[str, Draw]:
        """Unit-normal noise of each modality, where that is what the generators see."""
        shape = (*self.image_size, self.domain.num_modalities)
        return {"noise": Draw(shape)} if self.settings.sees == "noise" else {}

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """An image of each modality, and what its discriminator says of it and of a real one."""
        generators = [self.networks[name] for name in self.players["generator"]]
        drawn = self._images(generators, self._seen(batch.get("structure_map"), draws), training)
        pairs = by_modality(ops.concatenate([batch["images"], drawn], axis=0), self.domain.modalities)
        judged = [
            ops.split(self.networks[name](pair, training=training)["validity"], 2, axis=0)
            for name, pair in zip(self.players["discriminator"], pairs.values(), strict=True)
        ]
        validity_real, validity_fake = zip(*judged, strict=True)
        return {"drawn": drawn, "validity_real": validity_real, "validity_fake": validity_fake}

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Least-squares terms and the squared error to the sketched image, each a sum over modalities."""
        real, fake = outputs["validity_real"], outputs["validity_fake"]
        if player == "discriminator":
            return {
                "real": sum(adversarial.least_squares_real_loss(x) for x in real),
                "fake": sum(adversarial.least_squares_fake_loss(x) for x in fake),
            }
        error = reconstruction.squared_error(batch["images"], outputs["drawn"])
        return {
            "adversarial": sum(adversarial.least_squares_real_loss(x) for x in fake),
            "squared_reconstruction": self.domain.num_modalities * error,
        }

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What is drawn of each modality, from noise or from the sketch above it."""
        images = self.render(batch.get("structure_map"), self.drawn("preview", batch))
        pictures = by_modality(images, self.domain.modalities)
        if self.settings.sees == "noise":
            return pictures
        return {"sketch": 1.0 - batch["structure_map"], **pictures}

    def render(self, structure_map: Tensor | None, draws: Mapping[str, Tensor]) -> Tensor:
        """All modalities ``(B, H, W, M C)`` float32 in [0, 1], with the averaged networks.

        Args:
            structure_map: ``(B, H, W, 1)`` in {0, 1} of what is sketched; None for noise.
            draws: of `draws`.
        """
        generators = [self.best(name) for name in self.players["generator"]]
        images = self._images(generators, self._seen(structure_map, draws), training=False)
        return self.networks["calibration"]([images, ops.zeros_like(images[..., :1])])

    def finish(self, batches: tf.data.Dataset) -> None:
        """Gives drawn images the mean and spread of real ones, modality by modality."""

        def drawn(batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
            images = self.render(batch.get("structure_map"), self.drawn("calibration", batch))
            return images, ops.zeros_like(images[..., :1])

        fit_calibration(self.networks["calibration"], batches, drawn)

    def _seen(self, structure_map: Tensor, draws: Mapping[str, Tensor]) -> list[Tensor]:
        """What each generator is fed, ``(B, H, W, 1)``."""
        if self.settings.sees == "sketch":
            return [1.0 - structure_map] * self.domain.num_modalities
        return [draws["noise"][..., i : i + 1] for i in range(self.domain.num_modalities)]

    @staticmethod
    def _images(generators: Sequence[keras.Model], seen: Sequence[Tensor], training: bool) -> Tensor:
        made = [net(part, training=training) for net, part in zip(generators, seen, strict=True)]
        return ops.cast(ops.concatenate(made, axis=-1), "float32")


def networks_of(settings: BaselineSettings, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that the family trains, by their names."""
    generator = dataclasses.replace(
        settings.generator, image_size=image_size, in_channels=1, out_channels=domain.channels
    )
    critic = image_discriminator(settings.discriminator, domain, image_size)
    names = of_each_modality("generator", domain.modalities)
    built = {name: build_unet(generator, name) for name in names}
    names = of_each_modality("discriminator", domain.modalities)
    built |= {name: build_discriminator(critic, name) for name in names}
    built["calibration"] = build_calibration(image_size, domain.image_channels)
    return built


def stage_of(
    settings: BaselineSettings, operators: OperatorConfig, domain: Domain, image_size: Size, **base: Any
) -> ImageGANStage:
    """The stage over those networks."""
    return ImageGANStage(settings, domain, image_size, **base)
