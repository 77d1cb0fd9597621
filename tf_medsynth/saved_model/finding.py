"""Which exported model is meant: a folder, or the name of one of those that come along with the package."""

from __future__ import annotations

from pathlib import Path

from tf_medsynth.config.base import check
from tf_medsynth.runtime.places import check_local
from tf_medsynth.saved_model.record import version_folder, versions


def find_version(model: Path | str | None = None) -> Path:
    """The folder of the version that `model` is, or of the newest in it.

    Args:
        model: the folder of a model or of a version. Where none is there, ``NAME``, ``saved_models/NAME``
            and a version in them are looked for among the models that come along; None is the newest
            of those.

    Raises:
        MedSynthError: no such model, or the address of one.
    """
    box = saved_models()
    if model is None:
        return version_folder(newest_model(box))
    check_local(model=model)
    given = Path(model)
    places = (given, box / given, box.parent / given)
    return version_folder(next((place for place in places if _is_model(place)), given))


def saved_models() -> Path:
    """The folder of models beside the package: in a checkout, or where it was installed."""
    return Path(__file__).resolve().parents[2] / "saved_models"


def newest_model(folder: Path) -> Path:
    """The model in `folder` whose newest version was written last.

    Raises:
        MedSynthError: there is none.
    """
    models = [path for path in folder.iterdir() if versions(path)] if folder.is_dir() else []
    remedy = "Name one, or export one: medsynth export --run RUN --to saved_models/NAME."
    check("no exported model comes along", bool(models), remedy, folder=str(folder))
    return max(models, key=lambda path: (path / str(versions(path)[-1])).stat().st_mtime)


def _is_model(folder: Path) -> bool:
    return bool(versions(folder)) or (folder / "saved_model.pb").is_file()
