"""Stage S: a VAE-GAN that draws structure maps from a normal distribution, and the mask generator.

Source: Qu et al. (thesis), eq. 6-11; the joint paper, eq. 1-6.
Deviates: with ``drawing="anatomy"`` the decoder draws an image and the map is taken from it by the
structure-map operator itself, so contours close and lines are thin by construction, where a
decoder of lines draws blobs. A Kullback-Leibler term and an affine prior (the aggregate
posterior's mean and covariance) close the gap between the codes of real maps and N(0, 1), which
the papers' moments alone leave open. A fitted prior follows the encoder while maps are drawn, so that
decoder, D_z (eq. 8) and generation know the same codes: fitted anew to the last encoder, it would draw codes
of which the averaged decoder knows less; ``prior="standard"`` is the papers' N(0, 1).
D_s judges reconstructions beside drawn maps, at half the weight each, and where it sees the anatomy
too, it sees neither that nor the map where the sample's lesion lies.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.families.structure import StructureSettings
from tf_medsynth.config.imaging import OperatorConfig, StructureMapConfig
from tf_medsynth.data.draws import Draw
from tf_medsynth.imaging.edges import structure_map
from tf_medsynth.imaging.labels import label_kind
from tf_medsynth.losses import adversarial, code, reconstruction
from tf_medsynth.networks import (
    build_affine_prior,
    build_code_discriminator,
    build_discriminator,
    build_mask_generator,
    build_structure_decoder,
    build_structure_encoder,
)
from tf_medsynth.stages.base import AdversarialStage, Outputs, Terms
from tf_medsynth.stages.sizes import Size, sized
from tf_medsynth.types import Tensor

_PRIOR_BATCHES = 40


class StructureStage(AdversarialStage):
    """Stage S.

    Networks: ``structure_encoder`` map to code mean and log-variance, ``prior`` z to code where that is
    fitted, ``structure_decoder`` code (and free spatial part of z) to drawing, ``mask_generator``,
    ``structure_discriminator``, ``code_discriminator``.
    """

    players = {
        "generator": ("structure_encoder", "structure_decoder", "mask_generator"),
        "discriminator": ("structure_discriminator", "code_discriminator"),
    }
    phases = {"autoencode": ("generator",), "adversarial": ("generator", "discriminator")}
    averaged = ("structure_decoder", "mask_generator")

    def __init__(
        self, settings: StructureSettings, domain: Domain, operator: StructureMapConfig, **base: Any
    ):
        self.fitted = ("prior",) if settings.prior == "fitted" else ()
        super().__init__(weights=settings.weights, **base)
        self.settings = settings
        self.domain = domain
        self.label_kind = label_kind(domain)
        # A drawing has no background mask yet; its outside is drawn empty.
        self.operator = dataclasses.replace(operator, organ_only=False)
        self.latent_dim = settings.vae.latent_dim
        self.code_size = settings.vae.code_size
        self.inferred = self.code_size if settings.vae.spatial_posterior else self.latent_dim

    def draws(self) -> Mapping[str, Draw]:
        """Posterior noise and a sample of the prior, both unit normal."""
        return {"posterior": Draw((self.code_size,)), "prior": Draw((self.code_size,))}

    def synthesise(self, batch: Mapping[str, Tensor], draws: Mapping[str, Tensor], training: bool) -> Outputs:
        """Map to code to map; z ~ N(0, 1) to map; and what the discriminators say of both."""
        z_mean, z_logvar = self.networks["structure_encoder"](batch["structure_map"], training=training)
        z_mean, z_logvar = ops.cast(z_mean, "float32"), ops.cast(z_logvar, "float32")
        z_posterior = z_mean + ops.exp(0.5 * z_logvar) * draws["posterior"]
        outputs = {
            "z_mean": z_mean,
            "z_logvar": z_logvar,
            "reconstructed": self._drawing(z_posterior, training),
            "mask": self.networks["mask_generator"](batch["structure_map"], training=training),
        }
        if self.phase == "adversarial":
            outputs |= self._contest(batch, draws["prior"], z_posterior, outputs["reconstructed"], training)
        return outputs

    def _contest(
        self, batch: Mapping[str, Tensor], prior: Tensor, z_posterior: Tensor, drawing: Tensor, training: bool
    ) -> Outputs:
        """What the discriminators say of real maps, of the prior's and of the reconstructions."""
        code_drawn = self.code_of(prior)
        drawn = self._drawing(code_drawn, training)
        binary, lesion_free = self._lines(drawn, sharp=True), self._kept(batch)
        pairs = (
            (batch["structure_map"], batch["anatomy"]),
            (binary, drawn),
            (self._lines(drawing, sharp=True), drawing),
        )
        rows = ops.concatenate([self._seen(*pair, lesion_free) for pair in pairs], axis=0)
        judged = self.networks["structure_discriminator"](rows, training=training)["validity"]
        real, of_prior, of_posterior = ops.split(judged, 3, axis=0)
        codes = ops.concatenate([code_drawn, z_posterior], axis=0)[:, : self.latent_dim]
        code_prior, code_posterior = ops.split(
            self.networks["code_discriminator"](codes, training=training), 2, axis=0
        )
        lines = self._lines(drawn, sharp=False)
        mask = self.networks["mask_generator"](ops.stop_gradient(binary), training=False)
        return {
            "validity_real": real,
            "validity_prior": of_prior,
            "validity_posterior": of_posterior,
            "code_prior": code_prior,
            "code_posterior": code_posterior,
            "drawn_outside": lines * ops.stop_gradient(mask),
        }

    def terms(self, player: str, batch: Mapping[str, Tensor], outputs: Outputs) -> Terms:
        """Terms of thesis eq. 6-11, by player."""
        if player == "discriminator":
            fake = adversarial.least_squares_fake_loss
            return {
                "map_real": adversarial.least_squares_real_loss(outputs["validity_real"]),
                "map_fake": 0.5 * (fake(outputs["validity_prior"]) + fake(outputs["validity_posterior"])),
                "code_real": adversarial.least_squares_real_loss(outputs["code_prior"]),
                "code_fake": adversarial.least_squares_fake_loss(outputs["code_posterior"]),
            }
        lesion_free = self._kept(batch)
        target, drawing = batch["structure_map"], outputs["reconstructed"]
        lines = self._lines(drawing, sharp=False)
        z_mean, z_logvar = (outputs[name][:, : self.inferred] for name in ("z_mean", "z_logvar"))
        terms = {
            "code_mean": code.code_mean_loss(z_mean),
            "code_deviation": code.code_deviation_loss(z_logvar),
            "code_divergence": code.code_divergence(z_mean, z_logvar),
            "line_cross_entropy": reconstruction.line_cross_entropy(
                target, lines, self.settings.line_weight, lesion_free
            ),
            "line_squared": reconstruction.squared_error(target, lines),
            "line_absolute": reconstruction.absolute_error(target, lines),
            "background_reconstructed": reconstruction.suppression(lines, batch["background_mask"]),
            "mask": reconstruction.squared_error(batch["background_mask"], outputs["mask"]),
        }
        if self.settings.drawing == "anatomy":
            terms["anatomy"] = reconstruction.intensity_cross_entropy(batch["anatomy"], drawing, lesion_free)
        if self.phase == "adversarial":
            real = adversarial.least_squares_real_loss
            terms |= {
                "map_adversarial": 0.5
                * (real(outputs["validity_prior"]) + real(outputs["validity_posterior"])),
                "code_adversarial": real(outputs["code_posterior"]),
                "background_drawn": reconstruction.suppression(outputs["drawn_outside"], 1.0),
            }
        return terms

    def train_step(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """One simultaneous step; where maps are drawn, a fitted prior then follows the encoder."""
        logs = super().train_step(batch)
        if self.fitted and self.phase == "adversarial":
            self._follow(batch["structure_map"])
        return logs

    def _follow(self, maps: Tensor) -> None:
        """Moves the prior towards the codes of the global batch, of which `maps` are a replica's share."""
        mean, logvar = (x[:, : self.latent_dim] for x in self.networks["structure_encoder"](maps))
        count = tf.cast(tf.shape(mean)[0], tf.float32)
        square = tf.matmul(mean, mean, transpose_a=True) / count
        moments = [tf.reduce_mean(mean, 0), square + tf.linalg.diag(tf.reduce_mean(tf.exp(logvar), 0))]
        if tf.distribute.get_strategy().num_replicas_in_sync > 1:
            moments = tf.distribute.get_replica_context().all_reduce("mean", moments)
        centre, raw = moments
        covariance = raw - centre[:, None] * centre[None, :]
        self.networks["prior"].get_layer("affine").follow(centre, covariance, 1.0 / _PRIOR_BATCHES)

    def begin(self, phase: str, batches: tf.data.Dataset) -> None:
        """Fits the prior to the codes of real maps before anything is drawn from it; see `train_step`."""
        if phase == "adversarial":
            self.fit_prior(batches)

    def finish(self, batches: tf.data.Dataset) -> None:
        """Fits a prior that has followed nothing; one that has is the one the decoder was trained with."""
        if self.phase == "autoencode":
            self.fit_prior(batches)

    def fit_prior(self, batches: tf.data.Dataset) -> None:
        """Sets a fitted prior to the aggregate posterior: mean, and covariance of means plus variances."""
        if not self.fitted:
            return
        encoder = self.networks["structure_encoder"]
        encode = tf.function(lambda maps: encoder(maps, training=False))
        means, variances = [], []
        for batch in batches.take(_PRIOR_BATCHES):
            z_mean, z_logvar = encode(batch["structure_map"])
            means.append(ops.convert_to_numpy(z_mean)[:, : self.latent_dim])
            variances.append(np.exp(ops.convert_to_numpy(z_logvar)[:, : self.latent_dim]))
        codes = np.concatenate(means).astype("float64")
        within = np.diag(np.concatenate(variances).mean(axis=0))
        covariance = np.cov(codes, rowvar=False).reshape(within.shape) + within
        self.networks["prior"].get_layer("affine").fit(codes.mean(axis=0), covariance)

    def preview(self, batch: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Real maps, and maps, masks and drawings of the prior."""
        z = self.drawn("preview", batch, {"z": Draw((self.code_size,))})["z"]
        return {"real_map": batch["structure_map"], **self.draw_maps(z)}

    def code_of(self, z: Tensor) -> Tensor:
        """The code of unit-normal z: its global part through a fitted prior, the rest as it is."""
        if not self.fitted:
            return z
        return ops.concatenate([self.networks["prior"](z[:, : self.latent_dim]), z[:, self.latent_dim :]], -1)

    def draw_maps(self, z: Tensor) -> Outputs:
        """Structure maps, masks and drawings of unit-normal z, with the averaged networks.

        Args:
            z: ``(B, code_size)``.

        Returns:
            ``structure_map`` and ``background_mask`` ``(B, H, W, 1)`` in {0, 1}; ``drawing``.
        """
        drawing = ops.cast(self.best("structure_decoder")(self.code_of(z), training=False), "float32")
        lines = self._binary(drawing)
        mask = ops.round(self.best("mask_generator")(lines, training=False))
        return {"structure_map": lines, "background_mask": mask, "drawing": drawing}

    def _drawing(self, code_: Tensor, training: bool) -> Tensor:
        return ops.cast(self.networks["structure_decoder"](code_, training=training), "float32")

    def _lines(self, drawing: Tensor, sharp: bool) -> Tensor:
        """Line probability of a drawing; sharp: the binary map, with the gradient of the probability."""
        if self.settings.drawing == "anatomy":
            soft = self.settings.temperature
            return structure_map(drawing, self.operator, soft_temperature=soft, straight_through=sharp)
        return drawing + ops.stop_gradient(ops.round(drawing) - drawing) if sharp else drawing

    def _binary(self, drawing: Tensor) -> Tensor:
        """Structure map of a drawing: of an anatomy, what the operator makes of any image.

        To round the soft operator's answer instead would add lines where both of its thresholds are nearly
        met and neither is: the OR of two probabilities below one half may lie above it.
        """
        return (
            structure_map(drawing, self.operator)
            if self.settings.drawing == "anatomy"
            else ops.round(drawing)
        )

    def _seen(self, lines: Tensor, drawing: Tensor, lesion_free: Tensor) -> Tensor:
        """What the map discriminator is shown of a map and the image that its lines are the edges of.

        A real map has lost the lines of its lesion and its anatomy shows the lesion still. So where one
        lies both are blank, and blank in the same place of what is drawn: else missing lines look real.
        """
        if self.settings.critic_sees == "map":
            return lines
        return lesion_free * ops.concatenate([lines, ops.cast(drawing, "float32")], axis=-1)

    def _kept(self, batch: Mapping[str, Tensor]) -> Tensor:
        """1 where the label erases no lines, ``(B, H, W, 1)`` float32."""
        return self.label_kind.erase(ops.ones_like(batch["structure_map"]), batch.get("lesion_label"))


def networks_of(settings: StructureSettings, domain: Domain, image_size: Size) -> dict[str, keras.Model]:
    """The networks that the family trains, by their names."""
    vae = sized(settings.vae, image_size)
    code_critic = dataclasses.replace(settings.code_discriminator, latent_dim=vae.latent_dim)
    seen = vae.out_channels + (settings.critic_sees == "map_and_anatomy")
    critic = dataclasses.replace(settings.map_discriminator, image_size=image_size, in_channels=seen)
    built = {
        "structure_encoder": build_structure_encoder(vae),
        "structure_decoder": build_structure_decoder(vae),
        "mask_generator": build_mask_generator(sized(settings.mask_generator, image_size)),
        "structure_discriminator": build_discriminator(critic),
        "code_discriminator": build_code_discriminator(code_critic),
    }
    if settings.prior == "fitted":
        built["prior"] = build_affine_prior(vae.latent_dim)
    return built


def stage_of(
    settings: StructureSettings, operators: OperatorConfig, domain: Domain, image_size: Size, **base: Any
) -> StructureStage:
    """The stage over those networks."""
    settings = dataclasses.replace(settings, vae=sized(settings.vae, image_size))
    return StructureStage(settings, domain, operators.structure, **base)
