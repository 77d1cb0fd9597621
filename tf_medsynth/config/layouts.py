"""How cohorts of brain tumour patients lie on a disk, as data: file names and label codes.

A layout is a row of `LAYOUTS`, or a file of one's own (`layout_files.read_layout`). Files are named by
templates::

    {patient}/anat/{patient}_T1w        a folder, and the patient's name in it twice
    {patient}/{session}/T1              the patient is called PATIENT_SESSION
    VSD.Brain.*.MR_T1.*                 * is any text without a slash
    imagesTr/{patient}#1                volume 1 (from 0) of a file with four axes

A template is matched against the end of a file's path, in any letter case, without the ending of
the volume (``.nii.gz`` and the like). Where it has no ``{patient}``, the folder names the patient.

Label codes of every study map to one class list, that of `BRAIN_MRI`; `STUDIES` are the tables.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from collections.abc import Mapping

from tf_medsynth.config.base import check
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.config.persons import split_group as split_group  # scripts beside the project look here
from tf_medsynth.config.persons import split_of as split_of

ANY_LAYOUT = "any"
LABEL = "label"
KINDS = (*BRAIN_MRI.modalities, LABEL)
"""What a layout names: four modalities and the lesion label."""

CLASS_INDEX = {name: index for index, name in enumerate(BRAIN_MRI.label.classes)}


def _codes(*names: str) -> dict[int, int]:
    """Codes 0, 1, 2, ... by the names of their classes; an empty name is a code that is not used."""
    return {code: CLASS_INDEX[name] for code, name in enumerate(names) if name}


STUDIES: Mapping[str, Mapping[int, int]] = {
    "brats2015": _codes("background", "necrosis", "oedema", "non_enhancing", "enhancing"),
    "brats2017": _codes("background", "necrosis", "oedema", "", "enhancing"),
    "brats2023": _codes("background", "necrosis", "oedema", "enhancing"),
    # of which the 2023 challenge calls the core non-enhancing, necrosis or not
    "brats_met": _codes("background", "non_enhancing", "oedema", "enhancing"),
    # code 4 is the cavity of the operation: no tumour
    "brats2024": _codes("background", "non_enhancing", "oedema", "enhancing", "background"),
    # enhancing, non-enhancing, cyst (which joins the non-enhancing core), oedema
    "brats_ped2024": _codes("background", "enhancing", "non_enhancing", "non_enhancing", "oedema"),
    "decathlon": _codes("background", "oedema", "non_enhancing", "enhancing"),
}
"""Code -> index into the classes of `BRAIN_MRI`, by the study that published it."""

_CAVITY = {4: "resection cavity, which is read as background"}
_CYST = {3: "cyst, which is read as non-enhancing core"}


@dataclasses.dataclass(frozen=True)
class Layout:
    """One way to name a patient's files.

    Attributes:
        name: key in `LAYOUTS`.
        files: templates of each modality's file, and of ``"label"``.
        codes: label code in the file -> index into the classes of `BRAIN_MRI`.
        patients: pattern (regular expression) that the patients' names match from end to end.
        person: pattern of what in a name is the person; see `persons.split_group`.
        whole: the volumes are cropped already, and are taken as they are.
        notes: codes of which a reader is told where they occur.
        needs: codes of which a cohort must hold one; without them its labels are another study's.
    """

    name: str
    files: Mapping[str, tuple[str, ...]]
    codes: Mapping[int, int]
    patients: str = ".*"
    person: str = ""
    whole: bool = False
    notes: Mapping[int, str] = dataclasses.field(default_factory=dict)
    needs: tuple[int, ...] = ()

    def to_text(self) -> str:
        """The layout as JSON text, which `layout_files.layouts_of` reads."""
        values = dataclasses.asdict(self)
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @functools.cached_property
    def templates(self) -> tuple[Template, ...]:
        """All templates, ready to match."""
        return tuple(Template.of(kind, text) for kind, texts in self.files.items() for text in texts)

    def fits(self, patient: str) -> bool:
        """Whether a patient of this name is one of this layout, and of none more particular."""
        return self._matches(patient) and not any(other._matches(patient) for other in self.particular)

    @functools.cached_property
    def particular(self) -> tuple[Layout, ...]:
        """Published layouts of the same files that are kept for certain names."""
        if LAYOUTS.get(self.name) is not self:
            return ()
        before = list(LAYOUTS.values())[: list(LAYOUTS).index(self.name)]
        return tuple(
            other
            for other in before
            if other.files["T1"] == self.files["T1"] and other.patients != self.patients
        )

    def _matches(self, patient: str) -> bool:
        return re.fullmatch(self.patients, patient, re.IGNORECASE) is not None


@dataclasses.dataclass(frozen=True)
class Template:
    """One template of a layout.

    Attributes:
        kind: a modality, or ``"label"``.
        text: as it was written.
        pattern: matches the path of a file without its ending.
        channel: which volume of a file with four axes; None where it has three.
    """

    kind: str
    text: str
    pattern: re.Pattern[str]
    channel: int | None

    @classmethod
    def of(cls, kind: str, text: str) -> Template:
        """The template written as `text`.

        Raises:
            MedSynthError: an unknown name in braces, or a channel that is no number.
        """
        path, _, channel = text.partition("#")
        check("#N of a template is a number from 0", not channel or channel.isdecimal(), template=text)
        pieces: list[str] = []
        for piece in re.split(r"(\{[^}]*\}|\*)", path.strip("/")):
            if piece in ("{patient}", "{session}"):
                name = piece[1:-1]
                known = f"(?P<{name}>[^/]+)" in pieces
                pieces.append(f"(?P={name})" if known else f"(?P<{name}>[^/]+)")
            elif piece == "*":
                pieces.append("[^/]*")
            else:
                plain = not piece.startswith("{")
                rule = "a template names {patient} and {session} only"
                check(rule, plain, "Example: {patient}_t1", template=text)
                pieces.append(re.escape(piece))
        pattern = re.compile("(?:.*/)?" + "".join(pieces), re.IGNORECASE)
        return cls(kind, text, pattern, int(channel) if channel else None)

    def names(self, path: str) -> tuple[str, str] | None:
        """The patient's name, and what in it is the person, if `path`, without ending, fits; else None."""
        match = self.pattern.fullmatch(path)
        if match is None:
            return None
        names = match.groupdict()
        person = names.get("patient") or path.rpartition("/")[0].rpartition("/")[2]
        return (f"{person}_{names['session']}" if "session" in names else person), person


def _named(template: str, **words: str) -> dict[str, tuple[str, ...]]:
    """Templates that differ in one word a kind, each word a list with bars: ``T1="t1|t1w"``."""
    return {kind: tuple(template.format(w) for w in text.split("|")) for kind, text in words.items()}


def _after(separator: str, **words: str) -> dict[str, tuple[str, ...]]:
    return _named("{{patient}}" + separator + "{}", **words)


_PLAIN = {"T1": "t1", "T2": "t2", "T1c": "t1ce", "Flair": "flair"}
_FILES_2015 = _named(
    "VSD.Brain.*.{}",
    T1="MR_T1|MR_T1.*",
    T2="MR_T2|MR_T2.*",
    T1c="MR_T1c|MR_T1c.*",
    Flair="MR_Flair|MR_Flair.*",
) | {LABEL: ("VSD.Brain_*more*", "VSD.Brain.*.OT", "VSD.Brain.*.OT.*")}
_FILES_2017 = _after("_", **_PLAIN, label="seg")
# One label of the 2020 release kept its annotator's name for it: W39_1998.09.19_Segm.nii
_FILES_2020 = _FILES_2017 | {LABEL: ("{patient}_seg", "{patient}/W*_*_Segm")}
_FILES_2023 = _after("-", T1="t1n", T2="t2w", T1c="t1c", Flair="t2f", label="seg")
_FILES_KAGGLE = _named("{{patient}}/{{patient}}_{0}.nii*/*_{0}", **_PLAIN) | {
    LABEL: ("{patient}/{patient}_seg.nii*/*_seg",)
}
_FILES_FETS = _after("_", T1="brain_t1", T2="brain_t2", T1c="brain_t1ce", Flair="brain_flair") | {
    LABEL: ("{patient}_final_seg", "{patient}_brain_seg", "{patient}_brain_seg_final")
}
_SEGM = ("{patient}_segm", "{patient}_automated_approx_segm")
_FILES_UCSF = _after("_", T1="T1", T2="T2", T1c="T1c", Flair="FLAIR", label="tumor_segmentation")
_FILES_UCSD = _after("_", T1="T1pre", T2="T2", T1c="T1post", Flair="FLAIR", label="BraTS_tumor_seg")
_FILES_TCGA = _after("_", T1="t1", T2="t2", T1c="t1Gd", Flair="flair") | {
    LABEL: ("{patient}_GlistrBoost_ManuallyCorrected", "{patient}_GlistrBoost")
}
_FILES_BIDS = _after("_", T1="T1w", T2="T2w", Flair="FLAIR") | {
    "T1c": ("{patient}_ce-*_T1w",),
    LABEL: ("{patient}_dseg", "{patient}_*_dseg"),
}
_FILES_TOOLKIT = _after("_", T1="t1_bet", T2="t2_bet", T1c="t1c_bet", Flair="fla_bet") | {
    LABEL: ("{patient}/mav", "{patient}/fusion/mav", "{patient}_seg")
}
_FILES_2013 = _after("_", T1="T1", T2="T2", T1c="T1C", Flair="FLAIR", label="truth")
_FILES_BARE = _named(
    "{{patient}}/{}",
    T1="t1|t1w|t1n",
    T2="t2|t2w",
    T1c="t1ce|t1c|t1gd",
    Flair="flair|t2f",
    label="seg|mask|label",
)

_C = STUDIES
LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout
    for layout in (
        Layout("brats2015", _FILES_2015, _C["brats2015"]),
        # The names of 2012, whose labels hold 1, oedema, and 2, the whole core: no classes of ours.
        Layout("brats2013", _FILES_2013, _C["brats2015"], r"(Sim)?BRATS_[HL]G\d+", needs=(3, 4)),
        Layout("brats2017", _FILES_2017, _C["brats2017"], r"Brats17_.*"),
        Layout("brats2018", _FILES_2017, _C["brats2017"], r"Brats18_.*"),
        Layout("brats2019", _FILES_2017, _C["brats2017"], r"BraTS19_.*"),
        Layout("brats2020", _FILES_2020, _C["brats2017"], r"BraTS20_.*"),
        # What `generate` writes as volumes: the names of 2017 with the codes of 2015.
        Layout("medsynth", _FILES_2017, _C["brats2015"], r"medsynth_.*", whole=True),
        Layout("kaggle2021", _FILES_KAGGLE, _C["brats2017"]),
        Layout("fets", _FILES_FETS, _C["brats2017"]),
        Layout(
            "upenn_gbm",
            _after("_", T1="T1", T2="T2", T1c="T1GD", Flair="FLAIR") | {LABEL: _SEGM},
            _C["brats2017"],
        ),
        Layout("ucsf_pdgm", _FILES_UCSF, _C["brats2017"]),
        Layout("ucsd_ptgbm", _FILES_UCSD, _C["brats2024"], notes=_CAVITY),
        Layout("tcga", _FILES_TCGA, _C["brats2017"]),
        Layout("brats_toolkit", _FILES_TOOLKIT, _C["brats2017"]),
        Layout("bids", _FILES_BIDS, _C["brats2017"], r"sub-.*"),
        # Also whatever else carries these suffixes: 2021 is the last year that used them.
        Layout("brats2021", _FILES_2017, _C["brats2017"]),
        Layout("brats_ped2024", _FILES_2023, _C["brats_ped2024"], r"BraTS-PED-.*", notes=_CYST),
        # The children of the 2023 challenge have its names and other codes: to be asked for.
        Layout("brats_ped2023", _FILES_2023, _C["brats_met"], r"BraTS-PED-.*"),
        Layout("brats_met", _FILES_2023, _C["brats_met"], r"BraTS-(MET|MEN)-.*"),
        # Scans after treatment number their time points from 100.
        Layout(
            "brats2024",
            _FILES_2023,
            _C["brats2024"],
            r"BraTS-GLI-\d+-1\d\d",
            notes=_CAVITY,
        ),
        Layout(
            "brats2023",
            _FILES_2023,
            _C["brats2023"],
        ),
        Layout("bare", _FILES_BARE, _C["brats2017"]),
    )
}
"""Published layouts by name, most particular first among those that share file names."""
