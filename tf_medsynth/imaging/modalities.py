"""Images as rows of single modalities and back: the few functions that know how many channels one has.

Images are `(B, H, W, M * C)`: M modalities one after the other, the C channels of one beside each other.
A row holds one modality, and a sample's rows stand together: row ``b * M + m`` is modality m of sample b.
"""

from __future__ import annotations

from collections.abc import Sequence

from keras import ops

from tf_medsynth.config.base import check
from tf_medsynth.config.domain import Domain
from tf_medsynth.types import Tensor

CHOICES = ("random", "first")
"""Words for a modality beside the names of a domain: one drawn by sample, and the domain's first."""


def as_rows(images: Tensor, channels: int = 1) -> Tensor:
    """`(B, H, W, M C)` as `(B M, H, W, C)`: each modality a row, a sample's modalities together.

    Args:
        channels: C.
    """
    _, height, width, whole = images.shape
    if channels == 1:  # four axes, as TensorFlow transposes fastest
        return ops.reshape(ops.transpose(images, (0, 3, 1, 2)), (-1, height, width, 1))
    parts = ops.reshape(images, (-1, height, width, whole // channels, channels))
    return ops.reshape(ops.transpose(parts, (0, 3, 1, 2, 4)), (-1, height, width, channels))


def from_rows(rows: Tensor, modalities: int) -> Tensor:
    """`(B M, H, W, C)`, as `as_rows` lays them out, as `(B, H, W, M C)`.

    Args:
        modalities: M.
    """
    _, height, width, channels = rows.shape
    if channels == 1:
        return ops.transpose(ops.reshape(rows, (-1, modalities, height, width)), (0, 2, 3, 1))
    parts = ops.transpose(ops.reshape(rows, (-1, modalities, height, width, channels)), (0, 2, 3, 1, 4))
    return ops.reshape(parts, (-1, height, width, modalities * channels))


def row_modalities(rows: Tensor, modalities: int) -> Tensor:
    """One-hot modality `(B M, M)` float32 of the rows that `as_rows` gives."""
    return ops.tile(ops.eye(modalities, dtype="float32"), (ops.shape(rows)[0] // modalities, 1))


def modality_sum(values: Tensor, modalities: int) -> Tensor:
    """Sum over a sample's modalities, `(B,)`, of values of its rows, `(B M,)`."""
    return ops.sum(ops.reshape(values, (-1, modalities)), axis=-1)


def in_order(images: Tensor, order: Tensor) -> Tensor:
    """Modalities of `(B, H, W, M C)` in a sample's own order, `(B, M)` integer."""
    modalities = order.shape[-1]
    channels = images.shape[-1] // modalities
    if channels > 1:
        every = order[:, :, None] * channels + ops.arange(channels, dtype=order.dtype)
        order = ops.reshape(every, (-1, modalities * channels))
    index = ops.broadcast_to(order[:, None, None, :], ops.shape(images))
    return ops.take_along_axis(images, index, axis=-1)


def by_modality(images: Tensor, modalities: Sequence[str]) -> dict[str, Tensor]:
    """Each modality of `(B, H, W, M C)` by its name, `(B, H, W, C)`."""
    channels = images.shape[-1] // len(modalities)
    return {name: images[..., i * channels : (i + 1) * channels] for i, name in enumerate(modalities)}


def check_choice(choice: str, domain: Domain) -> None:
    """Raises unless `choice` says where a structure map's lines are taken from in images of `domain`.

    Raises:
        MedSynthError: it is neither one of `CHOICES` nor a modality or a channel of the domain.
    """
    known = dict.fromkeys((*CHOICES, *domain.modalities, *domain.channel_names()))
    check(
        f"{domain.name} has no modality of this name to take the lines of structure maps from",
        choice in known,
        f"Set operators.structure.modality to one of {', '.join(known)}.",
        modality=choice,
    )


def select_modality(images: Tensor, choice: str, domain: Domain, uniforms: Tensor | None = None) -> Tensor:
    """One modality of each sample in grey, `(B, H, W, 1)` of the same dtype.

    Of a modality with several channels it is their mean, of a single channel that one.

    Args:
        images: `(B, H, W, M C)` of `domain`.
        choice: a modality or a channel (`Domain.channel_names`), "first" for the domain's first modality,
            "random" for an independent draw of a modality by sample.
        uniforms: `(B,)` float in [0, 1); "random" needs them.

    Raises:
        MedSynthError: "random" without `uniforms`, another number of channels, or an unknown name.
    """
    check_choice(choice, domain)
    check(
        f"images of {domain.name} hold {', '.join(domain.channel_names())}",
        images.shape[-1] == domain.image_channels,
        shape=tuple(images.shape),
    )
    count, channels = domain.num_modalities, domain.channels
    if choice == "random":
        check("a random modality needs one uniform draw a sample", uniforms is not None, uniforms=uniforms)
        indices = ops.cast(ops.floor(ops.cast(uniforms, "float32") * count), "int32")
        picked = ops.repeat(ops.cast(ops.one_hot(indices, count), images.dtype), channels, axis=-1)
        chosen = images * picked[:, None, None, :]
        total = ops.sum(chosen, axis=-1, keepdims=True)
        return total if channels == 1 else total / channels
    if choice not in domain.modalities and choice != "first":
        index = domain.channel_names().index(choice)
        return images[..., index : index + 1]
    start = channels * (0 if choice == "first" else domain.modalities.index(choice))
    chosen = images[..., start : start + channels]
    return chosen if channels == 1 else ops.mean(chosen, axis=-1, keepdims=True)
