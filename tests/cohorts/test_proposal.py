"""From a folder that no layout knows to a layout file that reads it."""

import pytest

from tests.patients import KINDS, volumes, write_named
from tf_medsynth.cohorts.doctor import doctor
from tf_medsynth.cohorts.proposal import propose
from tf_medsynth.cohorts.survey import find_patients
from tf_medsynth.cohorts.words import class_of, kind_of
from tf_medsynth.config.cohorts import CohortSettings, settings_of
from tf_medsynth.types import MedSynthError

FORMS = {
    "a_folder_each": "P{n}/scan_{w}.nii.gz",
    "a_folder_a_kind": "{w}/pat{n}_20{n}5_{w}.nii.gz",
    "flat": "study7_{n}_{w}.nii.gz",
    "kinds_in_the_middle": "brain/{w}_of_patient{n}.nii.gz",
}
WORDS = ("T1_pre", "T2w", "T1_post", "FLAIR", "tumor_mask")


def lay_out(root, form, patients=(1, 2, 3)):
    for n in patients:
        files = dict(zip(KINDS, (root / form.format(n=n, w=word) for word in WORDS), strict=True))
        write_named(files, volumes(n))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("patients", [(1, 2, 3), (4,)])
def test_what_is_proposed_reads_the_folder(tmp_path, form, patients):
    lay_out(tmp_path / "in", form, patients)
    report = doctor(tmp_path / "in", proposal=tmp_path / "layout.toml")
    assert report.exit_status == 2 and report.proposal_file == str(tmp_path / "layout.toml")
    assert report.proposal in report.render()
    settings = settings_of(CohortSettings(), {"layout": tmp_path / "layout.toml"})
    found = find_patients(tmp_path / "in", settings)
    assert len(found) == len(patients)
    for patient in found:
        for kind, word in zip(KINDS, WORDS, strict=True):
            assert word in patient.files[kind].name
        assert (
            len(
                {path.name.replace(w, "") for path in patient.files.values() for w in WORDS if w in path.name}
            )
            == 1
        )
        assert patient.codes == {0: 0, 1: 1, 2: 2, 4: 4}
    assert doctor(tmp_path / "in", overrides={"layout": tmp_path / "layout.toml"}).exit_status < 2


def test_numbered_channels_are_left_to_the_user(tmp_path):
    lay_out(tmp_path, "imagesTr/P{n}_{w}.nii.gz", (1,))
    for number, word in enumerate(WORDS[:4]):
        (tmp_path / f"imagesTr/P1_{word}.nii.gz").rename(tmp_path / f"imagesTr/P1_{number:04d}.nii.gz")
    (tmp_path / "labelsTr").mkdir()
    (tmp_path / f"imagesTr/P1_{WORDS[4]}.nii.gz").rename(tmp_path / "labelsTr/P1.nii.gz")
    text = propose(tmp_path, sorted(tmp_path.rglob("*.nii.gz")))
    assert (
        'T1 = "?"' in text and '"imagesTr/{patient}_0003"' in text and 'label = "labelsTr/{patient}"' in text
    )
    path = tmp_path / "layout.toml"
    path.write_text(text)
    with pytest.raises(MedSynthError, match=r"still open.*T1"):
        settings_of(CohortSettings(), {"layout": path})
    for number, kind in enumerate(KINDS[:4]):  # the user mends the lines
        start = text.index(f'{kind} = "?"')
        text = (
            text[:start] + f'{kind} = "imagesTr/{{patient}}_{number:04d}"' + text[text.index("\n", start) :]
        )
    path.write_text(text)
    (patient,) = find_patients(tmp_path, settings_of(CohortSettings(), {"layout": path}))
    assert patient.images["T1c"].name == "P1_0002.nii.gz"


def test_codes_that_several_studies_use_are_left_to_the_user(tmp_path):
    for n in (1, 2):
        files = dict(zip(KINDS, (tmp_path / f"P{n}/x_{word}.nii.gz" for word in WORDS), strict=True))
        write_named(files, volumes(n, layout="brats2023"))
    text = propose(tmp_path, sorted(tmp_path.rglob("*.nii.gz")))
    assert '3 = "?"' in text and "# decathlon: 1 oedema, 2 non_enhancing, 3 enhancing" in text
    assert propose(tmp_path, []) is None


def test_a_file_that_is_there_is_not_replaced(tmp_path):
    lay_out(tmp_path / "in", FORMS["flat"])
    mine = tmp_path / "layout.toml"
    mine.write_text("mine")
    report = doctor(tmp_path / "in", proposal=mine)
    assert report.proposal and report.proposal_file is None and mine.read_text() == "mine"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("x_t1", "T1"),
        ("x-t1n", "T1"),
        ("3D_T1_Gd", "T1c"),
        ("T1-weighted_post_contrast", "T1c"),
        ("ce-gadolinium_T1w", "T1c"),
        ("CT1", "T1c"),
        ("t2f", "Flair"),
        ("T2_FLAIR", "Flair"),
        ("T2w", "T2"),
        ("tumor_segmentation", "label"),
        ("labelsTr", "label"),
        ("scan3", None),
        ("t10", None),
    ],
)
def test_words_of_names_are_kinds(name, kind):
    found = kind_of(name)
    assert (found and found[0]) == kind


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("edema", "oedema"),
        ("peritumoral oedema", "oedema"),
        ("non-enhancing tumor", "non_enhancing"),
        ("enhancing tumour", "enhancing"),
        ("NCR/NET necrotic and non-enhancing core", "necrosis"),
        ("resection cavity", "background"),
        ("whole tumor", None),
        ("tumor core", None),
        ("tumour", None),
        ("non-contrast-enhancing tumor", "non_enhancing"),
        ("not enhancing", "non_enhancing"),
        ("unenhancing tumour", "non_enhancing"),
        ("tumor without enhancement", "non_enhancing"),
        ("surrounding non-enhancing FLAIR hyperintensity", "oedema"),
        ("oedema/necrosis", None),
        ("NCR/NET", "necrosis"),
        ("ET", "enhancing"),
    ],
)
def test_words_of_labels_are_classes(name, meaning):
    assert class_of(name) == meaning
