"""The verb `doctor`: reads anyone's folder of patients and says what is odd about it, file by file."""

from tf_medsynth.data.doctor.examine import doctor
from tf_medsynth.data.doctor.report import DoctorReport, Finding, PatientReport

__all__ = ["DoctorReport", "Finding", "PatientReport", "doctor"]
