"""Nothing public is left out of the registry."""

from __future__ import annotations

import inspect

from tests.conformance import registry
from tf_medsynth import layers, networks


def test_every_layer_is_registered() -> None:
    assert set(registry.LAYERS) == set(layers.__all__)
    for name, build in registry.LAYERS.items():
        assert any(type(layer).__name__ == name for layer in build().layers)


def test_every_builder_is_registered() -> None:
    source = inspect.getsource(registry)
    builders = [name for name in networks.__all__ if name.startswith("build_")]
    assert [name for name in builders if f"networks.{name}(" not in source] == []
