"""Settings of what is drawn for what, and of what a threshold is taken from."""

from __future__ import annotations

from tests.hard_input.case import Case

_GENERATE = ("generate", "--run", "{here}/absent", "--count", "1", "--out", "{here}/o", "--set")
_MODEL = ("generate", "--from", "phantom96", "--count", "1", "--out", "{here}/o", "--set")
_TRAIN = (
    "train",
    "lesion",
    "--data",
    "brats/slices_64",
    "--data-dir",
    "{here}",
    "--run",
    "{here}/r",
    "--set",
)

CASES = [
    Case("generate: an unknown purpose", (*_GENERATE, "purpose=fun"), r"purpose must be one of .*ablation"),
    Case("generate: a purpose that is training's", (*_GENERATE, "purpose=map pool"), r"purpose must be one"),
    Case("generate: a model for a study", (*_MODEL, "purpose=ablation"), r"draws what it was exported for"),
    Case(
        "generate: a model that looks for copies", (*_MODEL, "memorisation.false_alarm=.1"), r"copies can be"
    ),
    *(
        Case(
            f"train lesion: held_out={share}",
            (*_TRAIN, f"held_out={share}"),
            r"held_out must (lie in \[0, 1\)|be a finite number)",
        )
        for share in ("1", "-0.2", "nan", "inf")
    ),
]
