"""Stacks, patches of volumes and unpaired draws: what a row is, and that seed and position decide it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.toy import COLOUR, PAIR, example, write_set
from tf_medsynth.data.batches import training_batches
from tf_medsynth.data.patches import open_patches
from tf_medsynth.data.slices import open_slices, open_source
from tf_medsynth.data.stacks import StackSource
from tf_medsynth.data.unpaired import UnpairedSource
from tf_medsynth.types import MedSynthError

SIZE = (4, 16, 16)


@pytest.fixture(scope="module")
def slices(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("slices"), PAIR, slices=6)


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("volumes"), PAIR, (None, 40, 40), slices=1)


@pytest.fixture(scope="module")
def stacks(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("stacks"), PAIR, (3, 40, 40))


@pytest.fixture(scope="module")
def sources(slices, volumes, stacks):
    return {
        "stacks": open_source(StackSource, **stacks),
        "patches": open_patches(**volumes, size=SIZE, foreground=0.5, each=4),
        "unpaired": open_source(UnpairedSource, **slices),
    }


def read(source, seed=3, **options):
    return list(training_batches(source, batch_size=4, seed=seed, **options).as_numpy_iterator())


def same(one, other):
    return all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("form", ["stacks", "patches", "unpaired"])
def test_rows_are_a_function_of_seed_and_position(sources, form):
    whole = read(sources[form], stop=7)  # more than one epoch
    for start in (1, 5, 6):
        (again,) = read(sources[form], start=start, stop=start + 1)
        assert same(again, whole[start])
    shares = [read(sources[form], stop=7, share=(part, 2)) for part in (0, 1)]
    for step, batch in enumerate(whole):
        both = {name: np.concatenate([share[step][name] for share in shares]) for name in batch}
        assert same(both, batch)
    assert not same(read(sources[form], stop=1, seed=4)[0], whole[0])


def test_forms_have_names_of_their_own(sources, slices):
    assert len({source.fingerprint for source in (*sources.values(), open_slices(**slices))}) == 4


def test_a_stack_is_the_channels_of_each_modality(sources, stacks):
    source = sources["stacks"]
    assert source.domain.channels == 3 and source.image_size == (40, 40)
    (raw, *_), (row, *_) = source.stored().as_numpy_iterator(), source.examples().as_numpy_iterator()
    assert row["images"].shape == (40, 40, 6) and row["lesion_label"].shape == (40, 40, 1)
    for channel, (modality, number) in enumerate((m, z) for m in range(2) for z in range(3)):
        wanted = np.clip(raw["images"][number, ..., modality] / raw["intensity_p995"][modality], 0, 1)
        np.testing.assert_allclose(row["images"][..., channel], wanted, atol=1e-6)


def test_a_patch_is_a_piece_of_a_volume_in_all_modalities(sources):
    source = sources["patches"]
    assert source.count == 12 and source.image_size == SIZE[1:]
    volumes = {name: example(PAIR, (None, 40, 40), name, 0) for name in "abc"}
    for batch in read(source, stop=3):
        assert batch["images"].shape == (4, *SIZE, 2) and batch["lesion_label"].shape == (4, *SIZE, 1)
        for image, label in zip(batch["images"], batch["lesion_label"], strict=True):
            assert any(lies_in(volume, image, label) for volume in volumes.values())


def lies_in(volume, image, label) -> bool:
    """Whether a patch is a piece of `volume`, at one place in both modalities and the label."""
    whole = np.clip(volume["images"] / volume["intensity_p995"], 0, 1).astype(np.float32)
    places = np.stack(np.where(np.abs(whole[..., 0] - image[0, 0, 0, 0]) < 1e-6), axis=1)
    for place in places:
        ends = tuple(slice(a, a + n) for a, n in zip(place, SIZE, strict=True))
        piece = whole[ends]
        if piece.shape == image.shape and np.allclose(piece, image, atol=1e-6):
            return np.array_equal(volume["lesion_label"][ends], label)
    return False


def test_an_epoch_has_as_many_patches_of_each_volume(volumes):
    source = open_patches(**volumes, size=(4, 40, 40), each=2)
    tops = [batch["images"].sum(axis=(1, 2, 3, 4)) for batch in read(source, stop=3)]
    assert len(np.concatenate(tops)) == 12  # two epochs of three volumes, two patches each


def test_patches_of_the_foreground_show_what_is_labelled(volumes):
    source = open_patches(**volumes, size=(1, 8, 8), foreground=1.0, each=8)
    for batch in read(source, stop=6):
        assert (batch["lesion_label"] > 0).any(axis=(1, 2, 3, 4)).all()


def test_a_volume_that_is_too_thin_is_filled_up(volumes):
    source = open_patches(**volumes, size=(9, 16, 16), each=1)
    for batch in read(source, stop=1, seed=1):
        assert batch["images"].shape == (4, 9, 16, 16, 2)
        assert not batch["images"][:, 6:].any() and batch["images"][:, 0].any()


def test_unpaired_modalities_are_whole_samples_with_their_labels(sources, slices):
    pairs = [(s["images"], s["lesion_label"]) for s in open_slices(**slices).examples().as_numpy_iterator()]
    chosen = []
    for batch in read(sources["unpaired"], stop=4):
        assert batch["lesion_label"].shape == (4, 2, 40, 40, 1)
        for image, labels in zip(batch["images"], batch["lesion_label"], strict=True):
            numbers = [
                next(n for n, (seen, _) in enumerate(pairs) if np.array_equal(seen[..., m], image[..., m]))
                for m in range(2)
            ]
            assert all(np.array_equal(labels[m], pairs[n][1]) for m, n in enumerate(numbers))
            chosen.append(numbers)
    one, other = zip(*chosen, strict=True)
    assert len(set(one)) == len(set(other)) == 16  # each passes through all before any comes again
    assert sum(a == b for a, b in chosen) < 6


def test_another_purpose_pairs_otherwise(sources):
    one, other = (read(sources["unpaired"], stop=1, purpose=p)[0] for p in ("training of a", "training of b"))
    assert not np.array_equal(one["images"], other["images"])


def test_what_does_not_fit_is_refused(slices, volumes, tmp_path):
    with pytest.raises(MedSynthError, match=r"needs stacks of 3 slices of near, far.*\(40, 40, 2\)"):
        open_source(StackSource, **slices)
    with pytest.raises(MedSynthError, match=r"patches need volumes of near, far \(D, H, W, 2\)"):
        open_patches(**slices, size=SIZE)
    with pytest.raises(MedSynthError, match=r"within the rows and columns of a volume.*64"):
        open_patches(**volumes, size=(4, 64, 16))
    with pytest.raises(MedSynthError, match=r"share lies in \[0, 1\]"):
        open_patches(**volumes, size=SIZE, foreground=2.0)
    with pytest.raises(MedSynthError, match=r"2-D slices of near, far"):
        open_slices(**volumes)
    with pytest.raises(MedSynthError, match=r"in grey.*channels=3"):
        open_source(StackSource, **write_set(tmp_path, COLOUR))
