"""What holds of a stage's terms before its first step: weights and terms answer each other in every phase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf

from tf_medsynth.config.base import check
from tf_medsynth.stages.base import AdversarialStage
from tf_medsynth.types import Tensor

_WALLS = ("StopGradient", "PreventGradient")


def check_terms(stage: AdversarialStage, spec: Any, phases: Iterable[str]) -> None:
    """Raises where a term and a weight of `stage` miss each other; graphs are drawn, nothing is computed.

    Call it inside the strategy's scope.

    Args:
        spec: of a batch, as a data set's ``element_spec``.
        phases: those that have steps.

    Raises:
        MedSynthError: a term without a weight; a weight other than 0 whose term no phase computes, or whose
            term no variable of its player reaches, so that it can never move anything; a phase without any.
    """
    kind, before = type(stage).__name__, stage.phase
    computed: dict[str, set[str]] = {}
    tables: dict[str, Mapping[str, float]] = {}
    for phase in phases:
        stage.phase = phase
        try:
            moving, idle = _drawn_terms(stage, spec)
        finally:
            stage.phase = before
        weights: Mapping[str, float] = stage.weights_by_phase.get(phase, stage.weights_by_term)
        unknown = sorted((moving | idle) - set(weights))
        known = f"Weights: {', '.join(weights)}."
        check(f"a loss term of {kind} has no weight of its name", not unknown, known, term=", ".join(unknown))
        dead = {name: weights[name] for name in sorted(idle) if weights[name]}
        check(
            f"a term of {kind} can never move its player under these settings",
            not dead,
            _off(dead),
            phase=phase,
            **dead,
        )
        weighed = any(weights[name] for name in moving)
        check(f"a phase of {kind} needs a weight that is not 0", weighed, phase=phase, weights=weights)
        table = phase if phase in stage.weights_by_phase else "weights"
        tables[table] = weights
        computed.setdefault(table, set()).update(moving, idle)
    for table, weights in tables.items():
        without = {name: value for name, value in weights.items() if value and name not in computed[table]}
        check(
            f"a weight of {kind} is not 0 but no term of its name is computed",
            not without,
            f"{_off(without)[:-1]}, or what switches the term on.",
            **without,
        )


def _off(weights: Mapping[str, float]) -> str:
    return f"Set {' '.join(f'{name}=0' for name in weights)}."


def _drawn_terms(stage: AdversarialStage, spec: Any) -> tuple[set[str], set[str]]:
    """Names of the phase's terms that a variable of their player reaches, and of those that none reaches."""
    terms: dict[str, dict[str, Tensor]] = {}

    def draw(batch: Mapping[str, Tensor]) -> None:
        outputs = stage.synthesise(batch, stage.drawn("validation", batch), training=False)
        for player in stage.phases[stage.phase]:
            terms[player] = stage.terms(player, batch, outputs)

    strategy = tf.distribute.get_strategy()
    whole = tf.function(lambda batch: strategy.run(draw, args=(batch,)), autograph=False)
    graph = whole.get_concrete_function(spec).graph
    places = {id(outer): inner.op for outer, inner in graph.captures}
    moving: set[str] = set()
    for player, own in terms.items():
        learned = {places[h] for v in stage.variables_of(player) for h in _handles(v.value) if h in places}
        moving |= {name for name, value in own.items() if not learned.isdisjoint(_behind(value))}
    return moving, {name for own in terms.values() for name in own} - moving


def _handles(variable: Any) -> list[int]:
    copies = getattr(variable, "values", None)
    return [id(copy.handle) for copy in (copies if copies is not None else (variable,))]


def _behind(value: Tensor) -> set[Any]:
    """Operations that `value` follows from and a gradient may come to."""
    found: set[Any] = set()
    ahead = [value.op]
    while ahead:
        operation = ahead.pop()
        if operation not in found and operation.type not in _WALLS:
            found.add(operation)
            ahead += [tensor.op for tensor in operation.inputs]
    return found
