"""The verb `audit`: what a set of images is worth trusting with, measured, and kept as a certificate."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_medsynth import runtime
from tf_medsynth.config.base import check
from tf_medsynth.config.bounds import CERTIFICATES
from tf_medsynth.config.data import DataSettings
from tf_medsynth.config.records import domain_of
from tf_medsynth.evaluation.features import open_extractor
from tf_medsynth.runs.certificates import FOLDER, kinds_of
from tf_medsynth.runs.origin import known_origin
from tf_medsynth.runs.reading import generated_set, read_samples
from tf_medsynth.runs.run_directory import stage_directory
from tf_medsynth.runs.samples import Samples

__all__ = ["AuditResult", "Kind", "audit", "audit_run"]


@dataclasses.dataclass(frozen=True)
class Kind:
    """One certificate, the constant ``KIND`` of the module of its name.

    Attributes:
        measure: ``(target, against, seed)`` as plain values for JSON, ``against`` None where the user
            gave none. Rows of one sample each stand under ``rows``.
        render: lines for a reader from those values.
        needs_against: refuse to work without another set.
        takes_features: `measure` takes an ``extractor``.
        most: samples of the target, and of the other set, that are read unless the user says more;
            None for all.
    """

    measure: Callable[..., dict[str, Any]]
    render: Callable[[Mapping[str, Any]], list[str]]
    needs_against: bool = False
    takes_features: bool = False
    most: tuple[int | None, int | None] = (None, None)


@dataclasses.dataclass(frozen=True)
class AuditResult:
    """A certificate, and the file it was written to, if it was."""

    kind: str
    certificate: dict[str, Any]
    out: Path | None
    lines: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.certificate, "out": self.out}

    def render(self) -> str:
        """A few lines for a person."""
        return "\n".join([*self.lines, *([f"written to {self.out}"] if self.out else [])])


def audit(
    kind: str,
    target: Path | str,
    against: Path | str | None = None,
    *,
    data_dir: Path | str | None = None,
    size: tuple[int, int] | None = None,
    most: int | None = None,
    seed: int = 0,
    out: Path | str | None = None,
    features: Path | str | None = None,
    feature_range: Sequence[float] | None = None,
    feature_architecture: str | None = None,
) -> AuditResult:
    """Measures a certificate of `target`, beside `against` where another set is given.

    Args:
        kind: one of `CERTIFICATES`.
        target: see `read_samples`. Where it is no folder it is looked for in `data_dir`.
        against: another set to compare with, or that the target may not copy.
        data_dir: where `prepare` wrote.
        size: rows and columns, for folders of volumes; `against` takes the target's.
        most: samples of the target that are looked at, evenly spread over it.
        seed: of every draw.
        out: JSON file. Without it the certificate of a generated set goes to ``certificates/KIND.json``
            in its folder, or in the run that `target` is; other folders are only read.
        features: for memorisation: frozen extractor, see `evaluation.features.open_extractor`.
        feature_range: its input range, where no record beside it says so.
        feature_architecture: of a file that holds weights alone.

    A prepared dataset `against` a generated set is read with the normalisation that its generator was
    trained with, which stands under ``normalisation``; where nobody knows that, with the default one,
    which the certificate says. Features depend on it, so they are refused then.

    Raises:
        MedSynthError: unknown kind, missing or unreadable sets, image sizes or modalities that differ,
            features of a generated set whose normalisation nobody knows, an unreadable extractor.
    """
    check("unknown certificate", kind in CERTIFICATES, f"Known: {', '.join(CERTIFICATES)}.", kind=kind)
    check("seed lies in 0 .. 2^32 - 1", 0 <= seed < 2**32, seed=seed)
    work: Kind = importlib.import_module(f"tf_medsynth.audits.{kind}").KIND
    check(
        f"a certificate of {kind} needs another set",
        against is not None or not work.needs_against,
        "Give --against, e.g. the training data.",
        against=against,
    )
    check("features belong to memorisation", features is None or work.takes_features, kind=kind)
    extractor = None
    if features is not None:
        extractor = open_extractor(features, feature_range, feature_architecture)
    file = Path(out) if out is not None else _default_out(kind, target)
    if file is not None:
        runtime.check_new_file(file)
    most_target = work.most[0] if most is None else most
    looked = read_samples(target, data_dir=_for(target, data_dir), size=size, most=most_target)
    other, normalisation = None, None
    if extractor is not None:
        extractor.sees(looked.domain.channel_names())
    if against is not None:
        settings, normalisation = _normalisation(looked, extractor is not None)
        other = read_samples(
            against,
            data_dir=_for(against, data_dir),
            size=looked.image_size,
            most=work.most[1],
            settings=settings,
        )
        check(
            "both sets have the same modalities",
            (other.domain.modalities, other.domain.channels)
            == (looked.domain.modalities, looked.domain.channels),
            target=looked.domain.modalities,
            against=other.domain.modalities,
        )
    certificate = {
        "kind": kind,
        "target": str(target),
        "against": None if against is None else str(against),
        "seed": seed,
        "size": list(looked.image_size),
        "samples": len(looked),
        "samples_in_target": looked.total,
        "normalisation": normalisation,
        **work.measure(looked, other, seed, **({} if extractor is None else {"extractor": extractor})),
    }
    if file is not None:
        runtime.write_json(file, certificate)
    return AuditResult(kind, certificate, file, [*work.render(certificate), *_words(normalisation)])


def audit_run(
    run: Path | str, samples: Path | str, kinds: Sequence[str] = CERTIFICATES, seed: int = 0
) -> list[AuditResult]:
    """Certificates of samples of a run beside the data it was trained on, in ``RUN/certificates``.

    Args:
        run: finished run, its data still in place.
        samples: what `generate` published from it; unfiltered, or the answer flatters.
        kinds: of `CERTIFICATES`; what data of this domain cannot have is left out.
        seed: of every draw.
    """
    config = stage_directory(Path(run), "multimodal").config()
    beside = {"registration": f"{config['data']}:test"}  # the others part the splits themselves
    possible = kinds_of(domain_of(config, "Train the run again."))
    return [
        audit(
            kind,
            samples,
            beside.get(kind, config["data"]),
            data_dir=config["data_dir"],
            seed=seed,
            out=Path(run) / FOLDER / f"{kind}.json",
        )
        for kind in kinds
        if kind in possible
    ]


def _normalisation(target: Samples, by_features: bool) -> tuple[DataSettings, dict[str, Any]]:
    """How the other set is read, and what the certificate says of it.

    A generated set is compared as its generator saw its patients; others in the way of all.
    """
    origin = known_origin(target)
    known = origin is not None or target.origin != "generated"
    check(
        "features are compared where the generator's normalisation is known",
        known or not by_features,
        "Generate the set again, export its model again first, or leave out --features.",
        target=target.name,
    )
    settings = DataSettings() if origin is None else DataSettings.from_dict(origin["data_settings"])
    return settings, {"name": settings.normalisation, "known": known}


def _words(normalisation: Mapping[str, Any] | None) -> list[str]:
    if normalisation is None or normalisation["known"]:
        return []
    told = "NOT KNOWN how the generator's data were normalised: the other set was read with the default,"
    return [f"{told} {normalisation['name']}"]


def _for(target: Path | str, data_dir: Path | str | None) -> Path | str | None:
    """The data_dir, unless `target` is a folder by itself."""
    return None if Path(target).is_dir() else data_dir


def _default_out(kind: str, target: Path | str) -> Path | None:
    return Path(target) / FOLDER / f"{kind}.json" if generated_set(target) is not None else None
