"""The networks by name: the published widths, and widths for 2 CPU cores.

Numbers of modalities and classes in them are those of the papers' brain data (four modalities of one channel,
five classes) or of the organ in the name. Where a stage is built, `runs.build` replaces whatever follows from
the domain and the images' size.

Source: Qu et al. (thesis) and the authors' released settings
"""

from __future__ import annotations

from tf_medsynth.config.network_specs import (
    CodeDiscriminatorSpec,
    DiscriminatorSpec,
    NetworkSpec,
    Size,
    StructureVAESpec,
    UNetSpec,
)

__all__ = [
    "PAPER_SPECS",
    "TINY_SPECS",
    "CodeDiscriminatorSpec",
    "DiscriminatorSpec",
    "NetworkSpec",
    "StructureVAESpec",
    "UNetSpec",
]


def _paper_unet(size: Size, inputs: int, outputs: int, conditions: int = 0, **changes: object) -> UNetSpec:
    published: dict[str, object] = {
        "conditioning": "concat",
        "output_norm": True,
        "initialiser": "mean_filter",
        "activation": "capped_relu",
        "norm_bias": True,
    }
    return UNetSpec(size, inputs, outputs, conditions=conditions, **(published | changes))  # type: ignore[arg-type]


def _paper_discriminator(size: Size, inputs: int, **changes: object) -> DiscriminatorSpec:
    published: dict[str, object] = {
        "first_norm": True,
        "centre_inputs": False,
        "initialiser": "normal",
        "activation": "capped_relu",
        "modality_head": "index",
        "norm_bias": True,
    }
    return DiscriminatorSpec(size, inputs, **(published | changes))  # type: ignore[arg-type]


_BRAIN = (184, 144)
_MODALITIES, _CLASSES = 4, 5
_SQUARE = (512, 512)

PAPER_SPECS: dict[str, NetworkSpec] = {
    "generator_brats": _paper_unet(_BRAIN, 1 + _CLASSES, 1, _MODALITIES),
    "generator_brats_unlabelled": _paper_unet(_BRAIN, 1, 1, _MODALITIES),
    "translator_brats": _paper_unet(_BRAIN, 1, 1, _MODALITIES),
    "generator_retina": _paper_unet(_SQUARE, 1, 3),
    "generator_lung_ct": _paper_unet(_SQUARE, 1, 1),
    "generator_chest_xray": _paper_unet(_SQUARE, 4, 1),
    "generator_lung_nodules": _paper_unet(_SQUARE, 8, 3, input_dropout=0.03),
    # Logits: the sigmoid of eq. 15 and 22 is part of the loss.
    "segmentor_brats": _paper_unet(_BRAIN, 1, _CLASSES, output="linear"),
    "segmentor_vessels": _paper_unet(_SQUARE, 3, 2, output="linear"),
    "mask_generator": _paper_unet(_SQUARE, 1, 1, base_filters=32, input_dropout=0.1, one_hot=True),
    "mask_generator_lung_nodules": _paper_unet(
        _SQUARE, 3, 3, base_filters=32, input_dropout=0.1, one_hot=True
    ),
    "discriminator_brats": _paper_discriminator(_BRAIN, 1, modalities=_MODALITIES),
    "discriminator": _paper_discriminator(_SQUARE, 1),
    "discriminator_retina": _paper_discriminator(_SQUARE, 3),
    "structure_discriminator": _paper_discriminator(_SQUARE, 1, input_dropout=0.15, one_hot=True),
    "structure_discriminator_lung_nodules": _paper_discriminator(
        _SQUARE, 3, input_dropout=0.15, one_hot=True
    ),
    "classifier_chest_xray": _paper_discriminator(_SQUARE, 1, scores=3),
    "structure_vae": StructureVAESpec(
        _BRAIN,
        working_size=_SQUARE,
        latent_dim=4096,
        base_filters=64,
        one_hot=True,
        encoder_convolutions=(
            (5, 2, 1), (5, 2, 1), (3, 1, 2), (3, 2, 4), (3, 1, 4), (3, 2, 4), (3, 1, 4), (3, 2, 8),
            (3, 1, 8), (3, 2, 8), (3, 1, 2),
        ),
        decoder_levels=((8,), (4, 4), (4, 4), (2, 2), (2, 2), (1, 1), (1, 1)),
        decoder_dense=(4096,),
        seed_filters=1,
        input_scale=(0.1, 0.9),
        normalisation="instance",
        output="sigmoid",
        output_norm=True,
        initialiser="normal",
        activation="capped_relu",
        input_dropout=0.15,
        norm_bias=True,
    ),
    "code_discriminator": CodeDiscriminatorSpec(
        4096, "conv", normalisation="instance", initialiser="normal", activation="capped_relu", norm_bias=True
    ),
}  # fmt: skip
"""The published widths, parameter for parameter."""

_TINY = (64, 64)
_SMALL = 16

TINY_SPECS: dict[str, NetworkSpec] = {
    "generator": UNetSpec(_TINY, 1 + _CLASSES, 1, _SMALL, conditions=_MODALITIES),
    "translator": UNetSpec(_TINY, 1, 1, _SMALL, conditions=_MODALITIES),
    "segmentor": UNetSpec(_TINY, 1, _CLASSES, _SMALL, output="linear"),
    "segmentor_stacked": UNetSpec(_TINY, _MODALITIES, _CLASSES, _SMALL, output="linear"),
    "mask_generator": UNetSpec(_TINY, 1, 1, _SMALL, patch=2, normalisation="none"),
    "discriminator": DiscriminatorSpec(
        _TINY, 1, _SMALL, modalities=_MODALITIES, convolutions=((5, 2, 1), (5, 2, 2), (3, 2, 4))
    ),
    "structure_discriminator": DiscriminatorSpec(
        _TINY, 1, _SMALL, patch=2, convolutions=((5, 2, 1), (5, 2, 2), (3, 2, 4))
    ),
    "structure_vae": StructureVAESpec(_TINY, latent_dim=32, base_filters=_SMALL, patch=2),
    "code_discriminator": CodeDiscriminatorSpec(32),
}
"""Widths for 2 CPU cores; replace `image_size` (and `latent_dim`) for another size."""
