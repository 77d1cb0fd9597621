"""A prepared split as normalised slices: values against the stored ones, and what is refused."""

import json
import shutil

import numpy as np
import pytest
import tensorflow_datasets as tfds

from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.data.slices import open_slices
from tf_medsynth.runs.prepare import prepare
from tf_medsynth.types import MedSynthError


@pytest.fixture(scope="module")
def stored(tiny_dataset) -> list[dict]:
    """Examples of the training split as they lie on disk, in their order."""
    builder = tfds.builder_from_directory(tiny_dataset.data_dir / tiny_dataset.name / "1.0.0")
    config = tfds.ReadConfig(interleave_cycle_length=1)
    return list(tfds.as_numpy(builder.as_dataset(split="train", shuffle_files=False, read_config=config)))


@pytest.fixture
def copied(tiny_dataset, tmp_path):
    """A copy that a test may damage."""
    shutil.copytree(tiny_dataset.data_dir, tmp_path / "data")
    return tmp_path / "data" / tiny_dataset.name / "1.0.0"


def described(folder, edit):
    file = folder / "dataset_info.json"
    info = json.loads(file.read_text())
    edit(info)
    file.write_text(json.dumps(info))


def test_a_source_knows_its_slices(tiny_dataset):
    source = open_slices(**tiny_dataset.where)
    assert source.name == f"{tiny_dataset.name}/1.0.0"
    assert source.image_size == (32, 32) and source.count == 24
    assert source.patients == tuple(sorted(tiny_dataset.patients["train"]))
    assert open_slices(**tiny_dataset.where, split="test").patients == ("BraTS2021_90002",)


def test_percentile_maps_0_to_the_995th_per_mille_of_the_organ_to_the_unit(tiny_dataset, stored):
    source = open_slices(**tiny_dataset.where, settings=DataSettings("percentile"))
    examples = list(source.examples(names=True).as_numpy_iterator())
    assert len(examples) == len(stored) == 24
    for example, raw in zip(examples, stored, strict=True):
        expected = np.clip(raw["images"] / raw["intensity_p995"], 0.0, 1.0)
        np.testing.assert_allclose(example["images"], expected, atol=1e-6)
        assert example["images"].dtype == np.float32 and example["lesion_label"].dtype == np.int32
        assert np.array_equal(example["lesion_label"], raw["lesion_label"])
        assert example["patient"] == raw["patient"]


def test_minmax_maps_the_volume_to_the_unit(tiny_dataset, stored):
    source = open_slices(**tiny_dataset.where, settings=DataSettings("minmax"))
    for example, raw in zip(source.examples().as_numpy_iterator(), stored, strict=True):
        low, high = raw["intensity_min"], raw["intensity_max"]
        np.testing.assert_allclose(example["images"], (raw["images"] - low) / (high - low), atol=1e-6)
        assert "patient" not in example


def test_organ_mean_maps_the_mean_of_every_volume_to_the_same_value(tiny_dataset, stored):
    source = open_slices(**tiny_dataset.where, settings=DataSettings("organ_mean"))
    for example, raw in zip(source.examples().as_numpy_iterator(), stored, strict=True):
        expected = np.clip(raw["images"] / (raw["intensity_mean"] * (1.5, 2.6, 2.1, 2.1)), 0.0, 1.0)
        np.testing.assert_allclose(example["images"], expected, atol=1e-6)


def test_folds_share_no_patient_and_miss_none(tiny_dataset):
    whole = open_slices(**tiny_dataset.where)
    folds = [open_slices(**tiny_dataset.where, folds=2, fold=fold) for fold in range(2)]
    assert sorted(folds[0].patients + folds[1].patients) == list(whole.patients)
    assert sum(fold.count for fold in folds) == whole.count
    for fold in folds:
        seen = {e["patient"].decode() for e in fold.examples(names=True).as_numpy_iterator()}
        assert seen == set(fold.patients)
    with pytest.raises(MedSynthError, match=r"every fold needs a patient.*patients=3, folds=9"):
        open_slices(**tiny_dataset.where, folds=9, fold=8)


def test_chosen_patients_are_kept_and_others_refused(tiny_dataset):
    wanted = sorted(tiny_dataset.patients["train"])[1:]
    source = open_slices(**tiny_dataset.where, patients=wanted)
    assert source.patients == tuple(wanted)
    read = {example["patient"].decode() for example in source.examples(names=True).as_numpy_iterator()}
    assert read == set(wanted) and source.count == len(list(source.examples()))
    with pytest.raises(MedSynthError, match=rf"patients asked for.*{tiny_dataset.patients['test'][0]}"):
        open_slices(**tiny_dataset.where, patients=tiny_dataset.patients["test"])


def test_the_fingerprint_names_split_patients_and_settings(tiny_dataset):
    sources = [
        open_slices(**tiny_dataset.where),
        open_slices(**tiny_dataset.where, split="test"),
        open_slices(**tiny_dataset.where, folds=2),
        open_slices(**tiny_dataset.where, settings=DataSettings("minmax")),
    ]
    assert len({source.fingerprint for source in sources}) == len(sources)
    assert open_slices(**tiny_dataset.where).fingerprint == sources[0].fingerprint


def test_the_fingerprint_names_the_stored_values(tiny_dataset, copied):
    before = open_slices(tiny_dataset.name, copied.parents[2]).fingerprint
    assert before == open_slices(**tiny_dataset.where).fingerprint
    other = prepare(
        "brats/slices_64",
        manual_dir=tiny_dataset.manual_dir,
        data_dir=copied.parents[2],
        overrides={"size": (32, 32), "slice_range": (39, 142)},
        config_name="tiny",
        resume=False,
    )
    assert other.examples == {"train": 24, "test": 8}
    assert open_slices(tiny_dataset.name, copied.parents[2]).fingerprint != before


def halve(file):
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "damage"),
    [("*train*", halve), ("*train*", lambda file: file.unlink()), ("dataset_info.json", halve)],
)
def test_a_damaged_dataset_is_told_in_one_line(tiny_dataset, copied, name, damage):
    (file,) = copied.glob(name)
    damage(file)
    with pytest.raises(MedSynthError, match=r"must be (a )?whole.*brats/tiny.*[pP]repare") as caught:
        open_slices(tiny_dataset.name, copied.parents[2])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "split", "message"),
    [
        ("brats/absent", "train", r"no such prepared dataset.*absent.*medsynth prepare"),
        ("brats", "train", r"ends in its configuration.*data='brats'.*Configurations there: tiny"),
        ("brats/tiny", "validation", r"no split 'validation'.*Splits: .*train \(24\)"),
    ],
)
def test_names_that_mean_nothing_are_refused(tiny_dataset, data, split, message):
    with pytest.raises(MedSynthError, match=message):
        open_slices(data, tiny_dataset.data_dir, split)


def test_a_patient_in_two_splits_is_refused(copied):
    train, test = (next(copied.glob(f"*-{split}.*")) for split in ("train", "test"))
    shutil.copy(train, test)

    def same_length(info):
        by_name = {split["name"]: split for split in info["splits"]}
        by_name["test"]["shardLengths"] = by_name["train"]["shardLengths"]

    described(copied, same_length)
    with pytest.raises(
        MedSynthError, match=r"no patient may be in two splits.*BraTS2021_00001.*Prepare again"
    ):
        open_slices("brats/tiny", copied.parents[2])


def test_only_slices_can_be_trained_on(tiny_dataset, tmp_path):
    made = prepare(
        "brats/stacks",
        manual_dir=tiny_dataset.manual_dir,
        data_dir=tmp_path,
        overrides={"size": (32, 32), "slice_range": (70, 80)},
        config_name="few",
    )
    with pytest.raises(MedSynthError, match=r"needs 2-D slices of T1, T2, T1c, Flair.*\(3, 32, 32, 4\)"):
        open_slices(made.dataset, tmp_path)


def test_the_newest_version_is_read(copied):
    for version in ("1.9.0", "1.10.0"):
        shutil.copytree(copied, copied.parent / version)
        described(copied.parent / version, lambda info, version=version: info.update(version=version))
    assert open_slices("brats/tiny", copied.parents[2]).name == "brats/tiny/1.10.0"
    assert open_slices("brats/tiny/1.9.0", copied.parents[2]).name == "brats/tiny/1.9.0"


def test_a_source_states_the_domain_of_its_data_set(tiny_dataset):
    assert open_slices(**tiny_dataset.where).domain == BRAIN_MRI


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        (lambda stated: stated.pop("domain"), r"states its domain.*Run medsynth prepare again"),
        (lambda stated: stated["domain"].update(channels=2), r"1 or 3 channels.*metadata\.json"),
        (lambda stated: stated["domain"].update(colour=True), r"unknown setting of Domain.*metadata\.json"),
        (lambda stated: stated["domain"].update(modalities=["T1"]), r"2-D slices of T1 \(H, W, 1\)"),
    ],
)
def test_a_domain_that_is_missing_or_wrong_is_told(copied, edit, wanted):
    file = copied / "metadata.json"
    stated = json.loads(file.read_text())
    edit(stated)
    file.write_text(json.dumps(stated))
    with pytest.raises(MedSynthError, match=wanted):
        open_slices("brats/tiny", copied.parents[2])


@pytest.mark.parametrize("text", ["", "[1]", '{"domain": '])
def test_damaged_metadata_are_refused_in_one_line(copied, text):
    (copied / "metadata.json").write_text(text)
    with pytest.raises(MedSynthError, match=r"^[^\n]*whole JSON object[^\n]*metadata\.json[^\n]*$"):
        open_slices("brats/tiny", copied.parents[2])


def test_organ_means_are_one_a_modality(tiny_dataset):
    with pytest.raises(MedSynthError, match=r"a number for each modality.*brain_mri.*data\.means_in_range"):
        open_slices(**tiny_dataset.where, settings=DataSettings("organ_mean", (1.0, 2.0)))
