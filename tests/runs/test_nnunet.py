"""nnU-Net's raw dataset: the rules of its documentation, read back file by file."""

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk

from tests.generation.analytic import parts
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.generation import GenerationConfig, LesionGate
from tf_medsynth.data.mixing import chosen_slices
from tf_medsynth.data.patients import patient_hash, patient_hashes
from tf_medsynth.data.slices import open_slices
from tf_medsynth.generation import publish, stream
from tf_medsynth.generation.provenance import Provenance
from tf_medsynth.runs.nnunet import nnunet
from tf_medsynth.runs.reading import read_samples
from tf_medsynth.types import MedSynthError

DATA_SETTINGS = DataSettings(normalisation="minmax")


def generated(folder: Path, patients, count: int = 4) -> Path:
    synthesiser, pool = parts()
    spool = stream(
        synthesiser, pool, GenerationConfig(lesion=LesionGate(0.7, 0.5)), 3, count, folder / "spool"
    )
    facts = {"patient_hashes": patient_hashes(patients), "data_settings": DATA_SETTINGS.to_dict()}
    publish(spool, folder / "set", "tfds", count, provenance=Provenance(training_data=facts))
    return folder / "set"


@pytest.fixture(scope="module")
def mixed(tiny_dataset, tmp_path_factory):
    """The set that was exported, the export's result, and the folder."""
    folder = tmp_path_factory.mktemp("nnunet")
    source = generated(folder, tiny_dataset.patients["train"])
    words = {"data_dir": tiny_dataset.data_dir, "synthetic": source, "number": 7, "name": "Brain"}
    result = nnunet(out=folder / "raw", real=tiny_dataset.name, **words)
    return source, result, folder / "raw" / "Dataset007_Brain"


def held(folder: Path, name: str):
    return json.loads((folder / name).read_text())


def names(folder: Path) -> set[str]:
    return {path.name.removesuffix(".nii.gz") for path in folder.iterdir()}


def test_every_case_has_its_channels_and_its_label(mixed):
    _, result, folder = mixed
    dataset, cases = held(folder, "dataset.json"), held(folder, "cases.json")
    assert {p.name for p in folder.iterdir()} == {
        *("imagesTr", "labelsTr", "imagesTs", "labelsTs"),
        *("dataset.json", "cases.json", "splits_final.json"),
    }
    assert dataset["file_ending"] == ".nii.gz" and set(dataset["channel_names"]) == set("0123")
    assert list(dataset["labels"].values()) == [0, 1, 2, 3, 4] and dataset["labels"]["background"] == 0
    assert dataset["numTraining"] == len(names(folder / "labelsTr")) == 24 + 4
    for part, split in (("Tr", "train"), ("Ts", "test")):
        wanted = {case for case, facts in cases.items() if facts["split"] == split}
        assert names(folder / f"labels{part}") == wanted
        assert names(folder / f"images{part}") == {f"{c}_{k:04d}" for c in wanted for k in range(4)}
    assert (result.training, result.test) == ({"real": 24, "augmented": 0, "synthetic": 4}, 8)


def test_pixels_and_labels_read_back_as_they_were(mixed, tiny_dataset):
    source, _, folder = mixed
    samples = read_samples(source)
    for n, key in enumerate(samples.keys):
        for channel in range(4):
            file = folder / "imagesTr" / f"synthetic_{key}_{channel:04d}.nii.gz"
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(sitk.ReadImage(file)), samples.images[n, ..., channel]
            )
        label = sitk.ReadImage(folder / "labelsTr" / f"synthetic_{key}.nii.gz")
        assert label.GetPixelID() == sitk.sitkUInt8 and label.GetDimension() == 2
        np.testing.assert_array_equal(sitk.GetArrayFromImage(label), samples.lesion_label[n])
    test = open_slices(**tiny_dataset.where, split="test", settings=DATA_SETTINGS)
    raw = zip(test.examples(names=True).as_numpy_iterator(), test.stored().as_numpy_iterator(), strict=True)
    for example, stored in raw:
        case = f"real_{patient_hash(example['patient'].decode())[:12]}_{stored['slice_index']:03d}"
        image = nibabel.load(folder / "imagesTs" / f"{case}_0002.nii.gz")
        np.testing.assert_array_equal(np.asarray(image.dataobj).T, example["images"][..., 2])
        np.testing.assert_allclose(image.header.get_zooms()[::-1], stored["spacing"][1:], rtol=1e-5)


def test_channels_and_label_of_a_case_share_one_geometry(mixed):
    _, _, folder = mixed
    for case in names(folder / "labelsTr"):
        files = [folder / "labelsTr" / f"{case}.nii.gz"]
        files += [folder / "imagesTr" / f"{case}_{k:04d}.nii.gz" for k in range(4)]
        images = [sitk.ReadImage(file) for file in files]
        for read in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
            assert len({getattr(image, read)() for image in images}) == 1


def test_synthetic_slices_are_scaled_like_real_ones(mixed):
    cases = held(mixed[2], "cases.json").values()
    real = [c["spacing"] for c in cases if c["origin"] == "real"]
    made = [c["spacing"] for c in cases if c["origin"] == "synthetic"]
    np.testing.assert_allclose(made, [np.median(real, axis=0)] * 4)


def test_no_patient_is_on_both_sides_of_a_fold_and_none_is_named(mixed, tiny_dataset):
    _, result, folder = mixed
    cases, splits = held(folder, "cases.json"), held(folder, "splits_final.json")
    assert len(splits) == result.folds == 3  # as many as training patients
    trained = {case for case, facts in cases.items() if facts["split"] == "train"}
    made = {case for case in trained if cases[case]["origin"] == "synthetic"}
    for split in splits:
        sides = [{cases[c]["patient"] for c in split[side] if c not in made} for side in ("train", "val")]
        assert not sides[0] & sides[1] and made <= set(split["train"])
        assert {*split["train"], *split["val"]} == trained
    assert sorted(c for split in splits for c in split["val"]) == sorted(trained - made)
    written = " ".join(str(p) for p in folder.rglob("*")) + json.dumps(cases)
    assert not any(name in written for name in tiny_dataset.patients["train"])


def test_synthetic_alone_and_real_alone(mixed, tiny_dataset, tmp_path):
    alone = nnunet(out=tmp_path, synthetic=mixed[0], most=3, folds=2, spacing=(2.0, 1.5))
    assert (alone.training, alone.test, alone.folds) == ({"real": 0, "augmented": 0, "synthetic": 3}, 0, 2)
    image = sitk.ReadImage(next((alone.out / "imagesTr").iterdir()))
    assert image.GetSpacing() == (1.5, 2.0) and not (alone.out / "imagesTs").exists()
    real = nnunet(out=tmp_path, real=tiny_dataset.name, data_dir=tiny_dataset.data_dir, number=502)
    assert (
        real.training == {"real": 24, "augmented": 0, "synthetic": 0}
        and "24 real training cases" in real.render()
    )


def test_what_cannot_be_exported_leaves_nothing(mixed, tiny_dataset, tmp_path):
    where = {"real": tiny_dataset.name, "data_dir": tiny_dataset.data_dir}
    shared = tiny_dataset.patients["test"][0]
    knowing = generated(tmp_path / "in", [shared], 2)
    out = tmp_path / "raw"
    for words, message in (
        ({}, "real slices, synthetic ones or both"),
        ({"real": tiny_dataset.name}, "--data-dir"),
        ({**where, "number": 1000}, r"1 \.\. 999"),
        ({**where, "name": "a-b"}, "letters, digits"),
        ({**where, "folds": 1}, "at least 2 folds"),
        ({**where, "folds": 4}, r"no more folds than patients.*folds=4, found=3.*--folds 3"),
        ({"synthetic": knowing, "folds": 3}, r"no more folds than samples.*--folds 2"),
        ({**where, "spacing": (1.0, float("nan"))}, "two distances in mm"),
        ({**where, "seed": -1}, "seed lies in"),
        ({**where, "synthetic": knowing}, rf"known to the generator.*{shared}"),
        ({"synthetic": knowing, "most": 1}, "at least 2 patients or samples"),
    ):
        with pytest.raises(MedSynthError, match=message):
            nnunet(out=out, **words)
        assert not list(out.glob("*"))
    with pytest.raises(MedSynthError, match="--overwrite"):
        nnunet(out=mixed[2].parent, **where, number=7, name="Brain")


@pytest.fixture(scope="module")
def rows(tiny_dataset, tmp_path_factory):
    """What `nnunet` writes for a row of the study, and the samples it may take."""
    folder = tmp_path_factory.mktemp("rows")
    source = generated(folder, tiny_dataset.patients["train"], count=13)

    def write(row: str, **words):
        words = {"data_dir": tiny_dataset.data_dir, "synthetic": source, "name": f"Row{row}", **words}
        result = nnunet(out=folder / "raw", real=tiny_dataset.name, row=row, **words)
        return result, result.out

    return write


def test_a_row_holds_what_its_segmentor_is_trained_on(rows):
    result, folder = rows("13")  # all real and half as many synthetic: the first ones
    assert result.training == {"real": 24, "augmented": 0, "synthetic": 12}
    found = sorted(name for name in names(folder / "labelsTr") if name.startswith("synthetic"))
    assert found == [f"synthetic_{k:08d}" for k in range(12)]


def test_a_share_keeps_the_patients_of_the_study(rows, tiny_dataset):
    _, folder = rows("2", seed=3)
    source = open_slices(tiny_dataset.name, tiny_dataset.data_dir, "train", DATA_SETTINGS)
    _, facts = chosen_slices(source.owners().tolist(), 0.5, 3)
    kept = {facts["patient"] for facts in held(folder, "cases.json").values() if facts["split"] == "train"}
    assert kept == {patient_hash(name) for name in facts["patients"]}


def test_augmented_copies_of_a_validated_patient_are_not_trained_on(rows, tiny_dataset):
    result, folder = rows("19")  # its real slices are read as the set's generator read them
    cases = held(folder, "cases.json")
    assert result.training == {"real": 24, "augmented": 12, "synthetic": 0}
    for fold in held(folder, "splits_final.json"):
        assert {cases[case]["origin"] for case in fold["val"]} == {"real"}
        validated = {cases[case]["patient"] for case in fold["val"]}
        assert not validated & {cases[case]["patient"] for case in fold["train"]}
    source = open_slices(tiny_dataset.name, tiny_dataset.data_dir, "train", DATA_SETTINGS)
    example = next(iter(source.stored()))
    patient = patient_hash(example["patient"].numpy().decode())
    case = f"real_{patient[:12]}_{int(example['slice_index']):03d}"
    stored = sitk.ReadImage(folder / "imagesTr" / f"{case}_0000.nii.gz")
    wanted = source.normalised(example)["images"][..., 0]
    np.testing.assert_array_equal(sitk.GetArrayFromImage(stored), wanted)


def test_a_row_says_what_it_lacks(rows):
    for words, message in (
        ({"synthetic": None}, "needs synthetic"),
        ({"most": 3}, "says how many"),
        ({"row": "99"}, "unknown row"),
        ({"row": "15"}, "too small for this row"),
    ):
        with pytest.raises(MedSynthError, match=message):
            rows(**{"row": "13", "name": "Lacking", **words})
