"""Frozen, validated settings: data, operators, networks, stages, generation, and presets of them all."""
