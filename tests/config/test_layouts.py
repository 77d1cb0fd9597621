"""Layouts as data: templates match paths, codes have classes, a file of one's own is read or refused."""

import json

import pytest

from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.layout_files import layouts_of, parse_codes, read_layout
from tf_medsynth.config.layouts import KINDS, LAYOUTS, STUDIES, Template
from tf_medsynth.types import MedSynthError

OWN = """
name = "clinic"
person = '(P\\d+)_.*'
[files]
T1 = "{patient}/scan_T1_pre.nii.gz"
T1c = ["{patient}/scan_T1_post", "{patient}/scan_T1_gd"]
T2 = "{patient}#2"
Flair = "{patient}/scan_FLAIR"
label = "masks/{patient}"
[codes]
1 = "edema"
2 = "non-enhancing"
3 = 4
"""


@pytest.mark.parametrize(
    ("template", "path", "patient"),
    [
        ("{patient}_t1", "a/b/case_1_T1", "case_1"),
        ("{patient}_t1", "a/case_t1ce", None),
        ("{patient}/{patient}_t1.nii*/*_t1", "x/P1/P1_t1.nii/00057_brain_t1", "P1"),
        ("{patient}/{patient}_t1.nii*/*_t1", "x/P2/P1_t1.nii/00057_brain_t1", None),
        ("VSD.Brain.*.MR_T1.*", "HGG/pat1/VSD.Brain.XX.O.MR_T1.545", "pat1"),
        ("VSD.Brain.*.MR_T1.*", "HGG/pat1/VSD.Brain.XX.O.MR_T1c.545", None),
        ("{patient}/anat/{patient}_T1w", "sub-1/anat/sub-1_T1w", "sub-1"),
        ("imagesTr/{patient}#1", "imagesTr/GBM (1)", "GBM (1)"),
        ("{patient}/{session}/T1", "LUMIERE/Patient-001/week-044/T1", "Patient-001_week-044"),
    ],
)
def test_a_template_names_the_patient_of_a_path(template, path, patient):
    names = Template.of("T1", template).names(path)
    assert (names and names[0]) == patient


@pytest.mark.parametrize("text", ["{name}_t1", "{patient}_t1#x", "{}_t1"])
def test_a_template_that_says_nothing_is_refused(text):
    with pytest.raises(MedSynthError, match="template"):
        Template.of("T1", text)


def test_every_layout_names_all_files_and_comes_back_from_its_text():
    for name, layout in LAYOUTS.items():
        assert layout.name == name and set(layout.files) == set(KINDS)
        assert layout.codes[0] == 0 and set(layout.codes.values()) <= set(range(BRAIN_MRI.num_classes))
        (again,) = layouts_of(layout.to_text())
        assert again == layout


def test_the_studies_call_their_codes_by_the_right_names():
    named = {s: {c: BRAIN_MRI.label.classes[i] for c, i in t.items() if c} for s, t in STUDIES.items()}
    assert named["brats2017"] == {1: "necrosis", 2: "oedema", 4: "enhancing"}
    assert named["brats2023"] == {1: "necrosis", 2: "oedema", 3: "enhancing"}
    assert named["decathlon"] == {1: "oedema", 2: "non_enhancing", 3: "enhancing"}
    assert named["brats_ped2024"][1] == "enhancing" and named["brats_ped2024"][4] == "oedema"
    assert named["brats2024"][4] == "background"
    assert list(STUDIES["brats2015"].values()) == list(range(BRAIN_MRI.num_classes))


@pytest.mark.parametrize(
    ("patient", "layout"),
    [
        ("BraTS-GLI-00000-000", "brats2023"),
        ("BraTS-GLI-02405-100", "brats2024"),
        ("BraTS-PED-00001-000", "brats_ped2024"),
        ("BraTS-MET-00110-000", "brats_met"),
        ("BraTS-MEN-00004-000", "brats_met"),
        ("BraTS-SSA-00002-000", "brats2023"),
        ("case_1", "brats2023"),
    ],
)
def test_names_of_one_form_and_other_codes_are_told_apart(patient, layout):
    fitting = [
        row.name for row in LAYOUTS.values() if row.files["T1"] == ("{patient}-t1n",) and row.fits(patient)
    ]
    assert fitting[0] == layout and set(fitting) <= {layout, "brats_ped2023"}


def test_a_layout_of_one_s_own_is_read(tmp_path):
    path = tmp_path / "layout.toml"
    path.write_text(OWN)
    layout = read_layout(path)
    assert (layout.name, layout.person) == ("clinic", r"(P\d+)_.*")
    assert layout.files["T1"] == ("{patient}/scan_T1_pre",) and len(layout.files["T1c"]) == 2
    assert layout.codes == {0: 0, 1: 2, 2: 3, 3: 4}
    assert [t.channel for t in layout.templates] == [None, 2, None, None, None, None]
    assert layouts_of(layout.to_text()) == (layout,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[files]", "[file]", "unknown key.*'file'"),
        ('Flair = "{patient}/scan_FLAIR"', "", "files of a layout name"),
        ('"masks/{patient}"', '"?"', "still open.*label"),
        ('"masks/{patient}"', "3", "has a template.*label"),
        ('"masks/{patient}"', '"{pat}"', "names {patient} and {session} only"),
        ('"edema"', '"tumour"', "means a class.*necrosis"),
        ('1 = "edema"', '999 = "edema"', "from 0 to 255"),
        (r"(P\d+)_.*", "(", "regular expression"),
        ("[codes]", "[codes", "can be read and is TOML"),
        ('1 = "edema"', '0 = "edema"', "code 0 is the background"),
        ('1 = "edema"', '1 = "edema"\n01 = "necrosis"', "given once"),
        ('name = "clinic"', "whole = 3", "true or false"),
        ('name = "clinic"', "needs = 3", "needs of a layout"),
        ('name = "clinic"', 'notes = ["a"]', "notes of a layout"),
        ('name = "clinic"', "name = 3", "name of a layout is text"),
    ],
)
def test_what_is_wrong_in_a_layout_file_is_named(tmp_path, old, new, message):
    path = tmp_path / "layout.toml"
    assert old in OWN
    path.write_text(OWN.replace(old, new))
    with pytest.raises(MedSynthError, match=message) as caught:
        read_layout(path)
    assert "\n" not in str(caught.value)


def test_unknown_layouts_and_codes_are_refused(tmp_path):
    with pytest.raises(MedSynthError, match=r"unknown layout.*Known: brats2015"):
        layouts_of("brats2016")
    with pytest.raises(MedSynthError, match="a name, a TOML file or JSON text"):
        layouts_of("{bad")
    with pytest.raises(MedSynthError, match="must exist"):
        read_layout(tmp_path / "absent.toml")
    with pytest.raises(MedSynthError, match="from 0 to 255"):
        parse_codes([("-1", "oedema")])
    assert len(layouts_of("any")) == len(LAYOUTS) and json.loads(LAYOUTS["bids"].to_text())["name"] == "bids"
    assert list(LAYOUTS["bids"].files) and set(BRAIN_MRI.modalities) < set(KINDS)
