"""Texts around an exported model: its card, and what TensorFlow Serving is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tf_medsynth.generation.provenance import domain_words
from tf_medsynth.reports import tables
from tf_medsynth.saved_model.record import ModelRecord

_GRPC_DEFAULT = 4 * 2**20
_BATCH = 32

_CARD = """\
# {name}, version {version}

Draws labelled{registered} {domain} slices ({modalities}; {rows} x {columns} px) of patients who do not
exist, from a seed and a lesion label. Exported by tf_medsynth {package}.

| | |
|---|---|
| model hash | `{model_hash}` |
| trained on | {data}, {patients} training patients (`{fingerprint}`) |
| labels inside | {labels} lesion labels of those patients (`{labels_fingerprint}`) |
| lesion gate of `generate` | whole lesion Dice >= {whole:.3f}, class Dice >= {per_class:.3f} |

Sample *k* of run seed *s* is named by (model hash, *s*, *k*): `synthesize_random([[s, k]])` draws it again,
with the bits of `medsynth generate --seed s`, where machine, TensorFlow and thread count are the same.

## Licence and terms
The weights are made of the training data, and the lesion labels in the model are copies of theirs: whoever
uses, shares or sells this model or its samples keeps to the terms under which those data were given.

## Personal data
No name of a patient is in the model. Lesion labels of the training patients are, unchanged, and a generator
may repeat what it was trained on: `medsynth audit memorisation` looks for copies among its samples.

## Intended use
Teaching, testing of software, augmentation of training sets whose effect is then measured on real patients.
Not for diagnosis, and not as evidence about any patient or population.

## Limits
- One slice a sample: neighbouring slices are not consistent with each other.
- No sample is more varied than the patients seen in training, and may resemble one: look for copies before
  sharing samples of a model that was trained on real patients.
- `segment_lesion` is the guide that the generator was trained against: it flatters what the generator draws.
{translate}- Signatures do not gate their samples: {gates} gates run in `medsynth generate`.

## Certificates
{certificates}

## Made again by
```
{commands}
```
with the data of the fingerprint above in `DATA`; same settings, data and machine give the same model hash.
"""

_TRANSLATE = "- `translate` invents what the source does not show; it is no substitute for an acquisition.\n"
_NOT_EVALUATED = "This run was not evaluated."
_NOT_CERTIFIED = (
    "Nobody has audited registration, lesions or memorisation of this run: nothing is certified "
    "(`medsynth audit registration|lesion|memorisation RUN`)."
)

_README = """\
# {name}

Versions lie in numbered folders, each with `MODEL_CARD.md` (data, terms, limits, certificates) and
`medsynth.json` (signatures, model hash). The newest is served.

```
docker run -p 8500:8500 -p 8501:8501 \\
  -v "$PWD/{name}:/models/{name}" tensorflow/serving \\
  --model_config_file=/models/{name}/models.config \\
  --enable_batching --batching_parameters_file=/models/{name}/batching.config
```

- **Batching**: the graph computes one row at a time whatever arrives: batching saves calls, not
  arithmetic. A request with bad input fails together with those it was merged with: without
  `--enable_batching` it fails alone.
- **Message size**: a sample of `synthesize_random` is {kib:.0f} KiB of float32. gRPC clients read
  {grpc_mib} MiB by default: at most {fits} samples a request, or raise
  `grpc.max_receive_message_length` of the client. The PNG signatures answer in a fraction of that.
- **Same bytes**: computed on one kind of machine, with one version of TensorFlow and one number of threads
  (`--tensorflow_intra_op_parallelism`), the same seed gives the same bytes.
"""

_MODELS = """\
model_config_list {{
  config {{
    name: "{name}"
    base_path: "/models/{name}"
    model_platform: "tensorflow"
  }}
}}
"""

_BATCHING = """\
max_batch_size {{ value: {batch} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 64 }}
pad_variable_length_inputs: false
"""


@dataclasses.dataclass(frozen=True)
class CardFacts:
    """What a run says of its model, beyond the model's own record.

    Attributes:
        evaluation: ``RUN/evaluation.json``, or nothing.
        certificates: Markdown about the run's audits, or nothing.
        commands: shell lines that train and export the model again.
    """

    evaluation: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    certificates: str = ""
    commands: Sequence[str] = ()


def model_card(record: ModelRecord, facts: CardFacts, name: str, version: int) -> str:
    """What the model is, may be used for and cannot do, as Markdown."""
    height, width = record.image_size
    several = record.domain.num_modalities > 1
    return _CARD.format(
        name=name,
        version=version,
        package=record.package,
        model_hash=record.model_hash,
        domain=domain_words(record.domain),
        registered=", registered" if several else "",
        translate=_TRANSLATE if several else "",
        gates="contour, lesion and registration" if several else "contour and lesion",
        modalities=", ".join(record.domain.modalities),
        rows=height,
        columns=width,
        data=record.data["name"],
        patients=record.data["patients"],
        fingerprint=record.data["fingerprint"],
        labels=record.labels["count"],
        labels_fingerprint=record.labels["fingerprint"],
        whole=record.settings.lesion.whole_threshold,
        per_class=record.settings.lesion.class_threshold,
        certificates=_certificates(facts),
        commands="\n".join(facts.commands) or "(not recorded)",
    )


def serving_files(record: ModelRecord, name: str) -> dict[str, str]:
    """Files beside the versions, by name: advice and configurations for TensorFlow Serving."""
    height, width = record.image_size
    sample = height * width * 4 * (record.domain.image_channels + 3)  # map, mask and label go along
    facts = {
        "name": name,
        "batch": _BATCH,
        "kib": sample / 2**10,
        "grpc_mib": _GRPC_DEFAULT >> 20,
        "fits": _GRPC_DEFAULT // (sample + 1024),
    }
    files = {"README.md": _README, "models.config": _MODELS, "batching.config": _BATCHING}
    return {file: text.format(**facts) for file, text in files.items()}


def _certificates(facts: CardFacts) -> str:
    parts = [facts.certificates or _NOT_CERTIFIED]
    if not facts.evaluation:
        return "\n\n".join([*parts, _NOT_EVALUATED])
    head = f"Measured on {facts.evaluation['samples']} unfiltered samples beside held-out patients."
    return "\n\n".join([*parts, head, *map(tables.as_markdown, tables.evaluation_tables(facts.evaluation))])
