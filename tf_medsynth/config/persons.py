"""Which names are one person: patients of a person land in the same split.

The names of public collections are known (`PERSONS`); a cohort of one's own brings a pattern, or a
list of aliases. A split is a hash of the person, so it does not move when patients are added.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from tf_medsynth.config.base import check


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


PERSONS: tuple[re.Pattern[str], ...] = (
    # year and time point: Brats17_CBICA_AXN_1, brats_tcia_pat105_0001, BraTS-GLI-00000-000
    _pattern(r"brats1[789]_(?P<source>2013|[a-z]+)\d*_(?P<number>[a-z0-9]+)_\d+"),
    _pattern(r"brats_(?P<source>2013|tcia)_pat(?P<number>\d+)_\d+"),
    _pattern(r"brats-(?P<source>[a-z]+)-(?P<number>\d+)-\d+"),
    # sessions: UPENN-GBM-00001_11, UCSD-PTGBM-0002_01
    _pattern(r"(?P<source>upenn-gbm|ucsd-ptgbm)-(?P<number>\d+)_\d+"),
    # follow-ups: UCSF-PDGM-0391_FU016d, and the folder UCSF-PDGM-0004_nifti
    _pattern(r"(?P<source>ucsf-pdgm)-(?P<number>\d+)(_fu\d+d)?(_nifti)?"),
    # dates: TCGA-02-0006_1996.08.23, YG_0ABC_2015-01-02
    _pattern(r"(?P<source>tcga)-(?P<number>[a-z0-9]+-[a-z0-9]+)([_-]\d{4}[.-]\d\d[.-]\d\d|_\d{8})?"),
    _pattern(r"(?P<source>yg)_(?P<number>[a-z0-9]+)_\d{4}-\d\d-\d\d"),
    # weeks of treatment: Patient-001_week-000-1
    _pattern(r"(?P<source>patient)[-_](?P<number>\d+)_week-.+"),
    # BIDS: sub-001_ses-02, sub-001_ses-02_run-1
    _pattern(r"(?P<source>sub)-(?P<number>[a-z0-9]+)(_[a-z]+-[a-z0-9]+)*"),
)
"""How public collections name several scans of one person, by person: ``source`` and ``number``."""


def split_group(patient: str, aliases: Sequence[str] | None = None, person: str = "") -> str:
    """The person behind a patient's name: all names of a group land in the same split.

    Names that differ in year, session, date or time point only are one person
    (``Brats17_CBICA_AXN_1`` and ``Brats18_CBICA_AXN_1``, ``UPENN-GBM-00001_11`` and ``_21``).
    Renumbered years (2020, 2021) are not known here: declare those in `aliases`.

    Args:
        patient: name of a patient.
        aliases: ``"A=B"``: two names of one person.
        person: regular expression of what in the cohort's own names is the person: its groups, or what it
            matches anywhere in the name. It goes before the patterns of public collections.

    Raises:
        MedSynthError: an alias that does not name two, or a pattern that is none.
    """
    groups = alias_groups(aliases or (), person)
    name = _person(patient, person)
    return next((min(group) for group in groups if name in group), name)


def split_of(
    patient: str, seed: int, test_fraction: float, validation_fraction: float = 0.0, test_fold: int = 0
) -> str:
    """``"train"``, ``"validation"`` or ``"test"``, by a hash of (seed, person).

    Depends on nothing but its arguments, so adding patients moves none; and a larger
    `validation_fraction` takes from ``"train"`` only. No person is tested on in two folds.

    Args:
        patient: a name, or the person from `split_group` where aliases or a pattern had a say.
        seed: any number.
        test_fraction: expected share in ``"test"``.
        validation_fraction: expected share in ``"validation"``.
        test_fold: which part of that share, from 0.
    """
    digest = hashlib.sha256(f"{seed}:{split_group(patient)}".encode()).digest()
    place = (int.from_bytes(digest[:8], "big") / 2**64 - test_fold * test_fraction) % 1.0
    if place < test_fraction:
        return "test"
    return "validation" if place < test_fraction + validation_fraction else "train"


def alias_groups(aliases: Sequence[str], person: str = "") -> list[set[str]]:
    """Persons that `aliases` declare to be one, as disjoint sets.

    Raises:
        MedSynthError: an alias that does not name two, or a pattern that is none.
    """
    groups: list[set[str]] = []
    for alias in aliases:
        names = alias.split("=")
        check(
            "an alias names one person twice",
            len(names) == 2 and all(name.strip() for name in names),
            "Example: BraTS20_Training_001=Brats17_CBICA_AAB_1",
            alias=alias,
        )
        merged = {_person(name.strip(), person) for name in names}
        apart = [group for group in groups if not group & merged]
        groups = [*apart, merged.union(*(group for group in groups if group & merged))]
    return groups


def check_pattern(person: str) -> None:
    """Raises unless `person` is a regular expression."""
    try:
        re.compile(person)
    except re.error as error:
        check(
            "person is a regular expression", False, r"Example: (P\d+)_.*", person=person, reason=str(error)
        )


def matched(patient: str, person: str) -> str:
    """What the regular expression `person` takes out of a name, in lower case; empty where nothing."""
    if not person:
        return ""
    check_pattern(person)
    match = re.search(person, patient, re.IGNORECASE)
    parts = [part for part in (*match.groups(), match.group(0)) if part] if match else []
    return "_".join(parts[: max(len(parts) - 1, 1)]).lower()


def _person(patient: str, person: str) -> str:
    if own := matched(patient, person):
        return own
    for pattern in PERSONS:
        if match := pattern.fullmatch(patient):
            return f"{match['source']}_{match['number'].lstrip('0') or '0'}".lower()
    return patient.lower()
