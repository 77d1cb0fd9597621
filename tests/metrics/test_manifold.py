import numpy as np
import prdc
import pytest

from tf_medsynth.metrics.manifold import manifold_quality
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
REAL = RANDOM.normal(size=(400, 4))


@pytest.mark.parametrize("synthetic", [RANDOM.normal(size=(300, 4)), 0.3 * RANDOM.normal(size=(350, 4)) + 1])
@pytest.mark.parametrize("neighbours", [3, 5])
def test_it_agrees_with_the_authors_package(synthetic, neighbours, capsys) -> None:
    wanted = prdc.compute_prdc(REAL, synthetic, nearest_k=neighbours)
    found = manifold_quality(REAL, synthetic, neighbours, memory_mib=1)
    assert found._asdict() == pytest.approx(wanted)


def test_one_mode_of_two_is_precise_and_covers_half() -> None:
    two_modes = np.concatenate([REAL[:200], REAL[200:] + 20])
    found = manifold_quality(two_modes, RANDOM.normal(size=(400, 4)))
    assert found.precision > 0.7 and found.coverage == pytest.approx(0.5, abs=0.05)
    assert found.recall < 0.5


def test_far_away_is_nothing() -> None:
    assert manifold_quality(REAL, REAL + 100) == (0.0, 0.0, 0.0, 0.0)


def test_too_few_are_told() -> None:
    with pytest.raises(MedSynthError, match="too few samples"):
        manifold_quality(REAL[:5], REAL)
