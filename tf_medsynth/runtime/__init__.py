"""The process and its machine: the only room that touches global state. Importing it is instant."""

from tf_medsynth.runtime.beam import Beam, beam_of
from tf_medsynth.runtime.disk import check_room, disk_error, disk_errors, reserve
from tf_medsynth.runtime.engine import (
    POLICIES,
    Precision,
    check_tensorflow,
    configure,
    forget_models,
    hardware_bfloat16,
    logical_cpu_devices,
    require_tensorflow,
    seed_draws,
    strategy,
)
from tf_medsynth.runtime.files import atomic_path, json_text, settle, write_json
from tf_medsynth.runtime.locks import LOCK_NAME, alone, forget_dead
from tf_medsynth.runtime.memory import check_memory
from tf_medsynth.runtime.output import FAILED, answering
from tf_medsynth.runtime.places import check_new_file, check_writable, local_path
from tf_medsynth.runtime.records import (
    append_line,
    of_file,
    read_archive,
    read_array,
    read_columns,
    read_json,
    read_lines,
    read_record,
    read_text,
)
from tf_medsynth.runtime.sockets import listening
from tf_medsynth.runtime.steps import Stopwatch, peak_memory_mib, record_step, reset_peak_memory
from tf_medsynth.runtime.terminal import log, log_to_stderr, progress, training_bar
from tf_medsynth.runtime.typed import short, typed
from tf_medsynth.runtime.workers import Cluster, chief_first, cluster, together

__all__ = [
    "Beam",
    "Cluster",
    "FAILED",
    "LOCK_NAME",
    "POLICIES",
    "Precision",
    "Stopwatch",
    "alone",
    "answering",
    "append_line",
    "atomic_path",
    "beam_of",
    "check_memory",
    "check_new_file",
    "check_room",
    "check_tensorflow",
    "check_writable",
    "chief_first",
    "cluster",
    "configure",
    "disk_error",
    "disk_errors",
    "forget_dead",
    "forget_models",
    "hardware_bfloat16",
    "json_text",
    "listening",
    "local_path",
    "log",
    "log_to_stderr",
    "logical_cpu_devices",
    "of_file",
    "peak_memory_mib",
    "progress",
    "read_archive",
    "read_array",
    "read_columns",
    "read_json",
    "read_lines",
    "read_record",
    "read_text",
    "record_step",
    "require_tensorflow",
    "reserve",
    "reset_peak_memory",
    "seed_draws",
    "settle",
    "short",
    "strategy",
    "together",
    "training_bar",
    "typed",
    "write_json",
]
