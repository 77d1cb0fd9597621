"""Trained networks to gated, recorded samples: `stream` fills a spool, `publish` makes a data set of it."""

from tf_medsynth.generation.labels import LabelPool
from tf_medsynth.generation.memorisation import TrainingReference
from tf_medsynth.generation.publishing import check_output, data_set_name, find_published, publish
from tf_medsynth.generation.sharding import fill
from tf_medsynth.generation.spool import Spool
from tf_medsynth.generation.streaming import identity_of, stream
from tf_medsynth.generation.synthesiser import Synthesiser

__all__ = [
    "LabelPool",
    "Spool",
    "Synthesiser",
    "TrainingReference",
    "check_output",
    "data_set_name",
    "fill",
    "find_published",
    "identity_of",
    "publish",
    "stream",
]
