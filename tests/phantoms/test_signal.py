"""Signal equations and the contrasts they must give."""

import math

import numpy as np
import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.phantoms import signal


@pytest.fixture(params=range(0, 40, 5))
def scanner(request):
    return signal.draw_scanner(5, request.param)


def levels(scanner, modality):
    return {name: signal.tissue_signal(scanner, modality, name) for name in signal.PROPERTIES}


def test_spin_echo_by_hand():
    expected = 0.8 * (1 - math.exp(-0.5)) * math.exp(-0.25)
    assert signal.spin_echo(0.8, 1000, 80, 500, 20) == pytest.approx(expected)


def test_inversion_at_the_null_time_leaves_no_signal():
    inversion = signal.null_time(4300, 9000)
    assert signal.inversion_recovery(1, 4300, 1900, 9000, 120, inversion) == pytest.approx(0, abs=1e-9)
    long = signal.null_time(4300, 1e9)
    assert long == pytest.approx(4300 * math.log(2))


def test_agent_adds_its_relaxation_rate():
    assert 1000 / signal.with_agent(1000, 0.5) == pytest.approx(1 + signal.RELAXIVITY * 0.5)


def test_healthy_contrast(scanner):
    t1, t2, flair = (levels(scanner, m) for m in ("T1", "T2", "Flair"))
    assert t1["white"] > 1.1 * t1["grey"] > 1.5 * t1["fluid"]
    assert t2["fluid"] > 1.6 * t2["grey"] > 1.6 * t2["white"]
    assert flair["grey"] > flair["white"] > 4 * flair["fluid"]


def test_oedema_is_bright_on_flair_and_t2(scanner):
    for modality in ("Flair", "T2"):
        shown = levels(scanner, modality)
        assert shown["oedema"] > 1.25 * shown["grey"]
    assert levels(scanner, "T1")["oedema"] < levels(scanner, "T1")["white"]


def test_only_tissue_with_agent_changes_and_only_in_t1c(scanner):
    plain = signal.draw_scanner(5, 0)
    same = {**plain.repetition, "T1c": plain.repetition["T1"]}
    echo = {**plain.echo, "T1c": plain.echo["T1"]}
    twin = signal.Scanner(same, echo, scanner.tissues)
    before, after = levels(twin, "T1"), levels(twin, "T1c")
    changed = {name for name in before if not math.isclose(before[name], after[name])}
    assert changed == {"enhancing", "vessel", "choroid"}
    assert after["enhancing"] > 1.5 * before["enhancing"]
    assert after["enhancing"] > 1.25 * after["white"]


def test_a_mixed_voxel_is_the_weighted_mean_of_its_tissues(scanner):
    shape = (1, 1, 3)
    fractions = {name: np.zeros(shape, np.float32) for name in signal.PROPERTIES}
    fractions["grey"][..., :] = [1, 0, 0.25]
    fractions["fluid"][..., :] = [0, 1, 0.75]
    flat = {name: np.zeros(shape, np.float32) for name in fractions}
    images = signal.mix(scanner, fractions, flat)
    assert tuple(images) == BRAIN_MRI.modalities
    for image in images.values():
        grey, fluid, mixed = image[0, 0]
        assert mixed == pytest.approx(0.25 * grey + 0.75 * fluid, rel=1e-5)
