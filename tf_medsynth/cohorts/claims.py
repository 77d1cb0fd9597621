"""Whose every file is: each goes to the layout that explains most of its patient."""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Iterable, Sequence
from pathlib import Path

from tf_medsynth.config.layouts import LABEL, Layout, Template
from tf_medsynth.imaging.volumes import volume_suffix


@dataclasses.dataclass(frozen=True)
class Row:
    """A layout to look for, and the folder that it is for; None for any."""

    layout: Layout
    home: Path | None = None


@dataclasses.dataclass(eq=False)
class Claim:
    """Files that a layout takes for one patient's.

    `places` says of a file which of its kind's templates it fits: the first that has files is meant.
    """

    layout: Layout
    rank: int
    name: str
    person: str
    files: dict[str, list[Path]] = dataclasses.field(default_factory=dict)
    places: dict[Path, int] = dataclasses.field(default_factory=dict)
    channels: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def key(self) -> tuple[int, str]:
        """Place of the layout, name in one letter case."""
        return self.rank, self.name.casefold()

    @property
    def order(self) -> tuple[int, int, str]:
        """Claims of more kinds first, then those of more particular layouts."""
        return -len(self.files), *self.key

    def without(self, taken: set[Path]) -> Claim:
        """This claim without files that another has taken; a file with four axes is taken once."""
        left = {kind: [p for p in paths if p not in taken] for kind, paths in self.files.items()}
        return dataclasses.replace(self, files={kind: paths for kind, paths in left.items() if paths})


def claim_files(root: Path, volumes: Sequence[Path], rows: Sequence[Row]) -> tuple[list[Claim], list[Path]]:
    """One claim a patient, and the volumes that are nobody's."""
    rivals: dict[tuple[int, str], Claim] = {}
    known: set[Path] = set()
    top = root.resolve().name
    for path in volumes:
        text, folder = _path_text(path, root, top)
        for rank, row in enumerate(rows):
            if row.home is not None and not path.is_relative_to(row.home):
                continue
            for name, person, place, template in _matches(text, folder, row.layout):
                known.add(path)
                claim = rivals.setdefault((rank, name.casefold()), Claim(row.layout, rank, name, person))
                claim.files.setdefault(template.kind, []).append(path)
                claim.places[path] = place
                if template.channel is not None:
                    claim.channels[template.kind] = template.channel
    return _best(rivals.values()), [path for path in volumes if path not in known]


def _best(rivals: Iterable[Claim]) -> list[Claim]:
    """Claims that share no file, those of most kinds taken first."""
    heap = [(claim.order, claim) for claim in rivals]
    heapq.heapify(heap)
    taken: set[Path] = set()
    chosen = []
    while heap:
        order, claim = heapq.heappop(heap)
        left = claim.without(taken)
        if not left.files:
            continue
        if left.order != order:  # others took some of its files: it has to wait its new turn
            heapq.heappush(heap, (left.order, left))
            continue
        chosen.append(left)
        taken.update(path for paths in left.files.values() for path in paths)
    return sorted(chosen, key=lambda claim: claim.key)


def patients_only(claims: list[Claim], strangers: list[Path]) -> tuple[list[Claim], list[Path]]:
    """Claims of at least two modalities, or of a label alone; a single image is a stranger."""
    single = {id(claim) for claim in claims if len(set(claim.files) - {LABEL}) == 1}
    alone = [p for c in claims if id(c) in single for paths in c.files.values() for p in paths]
    return [claim for claim in claims if id(claim) not in single], sorted({*strangers, *alone})


def _path_text(path: Path, root: Path, top: str) -> tuple[str, str]:
    """What templates are matched against, and the folder that may name the patient."""
    folders = (top, *path.relative_to(root).parts[:-1])
    stem = path.name[: -len(volume_suffix(path) or "")]
    # BRATS2015 gives every volume a folder of its own name inside the patient's
    if len(folders) > 1 and folders[-1].casefold() in (stem.casefold(), path.name.casefold()):
        folders = folders[:-1]
    return "/".join((*folders, stem)), folders[-1]


def _matches(text: str, folder: str, layout: Layout) -> Iterable[tuple[str, str, int, Template]]:
    """Patient, person, place of the template and the template; several where a file has four axes."""
    done: set[tuple[str, str]] = set()
    for place, template in enumerate(layout.templates):
        names = template.names(text)
        if names is None or (template.kind, names[0]) in done or not layout.fits(names[0]):
            continue
        done.add((template.kind, names[0]))
        name = folder if folder.casefold() == names[0].casefold() else names[0]
        yield name, names[1], place, template
