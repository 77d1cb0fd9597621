"""Specifications as the data need them: what they say of sizes, channels and modalities is replaced."""

from __future__ import annotations

import dataclasses
from typing import TypeVar

from tf_medsynth.config.domain import Domain
from tf_medsynth.config.network_specs import DiscriminatorSpec

Spec = TypeVar("Spec")
Size = tuple[int, int]


def sized(spec: Spec, image_size: Size) -> Spec:
    """`spec` for images of `image_size`."""
    return dataclasses.replace(spec, image_size=image_size)  # type: ignore[type-var]


def image_discriminator(spec: DiscriminatorSpec, domain: Domain, image_size: Size) -> DiscriminatorSpec:
    """`spec` for single modalities; it tells them apart where it has a head and there are several."""
    heads = domain.num_modalities if spec.modalities and domain.num_modalities > 1 else 0
    return dataclasses.replace(spec, image_size=image_size, in_channels=domain.channels, modalities=heads)
