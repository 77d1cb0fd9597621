import base64
import html.parser
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.reports.evidence_examples import CERTIFICATE, STUDY
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.metrics.coverage import Coverage
from tf_medsynth.reports.evidence import certificate_evidence, study_evidence
from tf_medsynth.reports.page import (
    Finding,
    Gallery,
    GateCounts,
    Origin,
    ReportData,
    Table,
    render_report,
    report_html,
)
from tf_medsynth.types import MedSynthError

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((2, 12, 12, 4), np.float32)
LABELS = RANDOM.integers(5, size=(2, 12, 12, 1))
CLASSES = BRAIN_MRI.label.classes
FULL = ReportData(
    title="run <1>",
    classes=CLASSES,
    summary="Two samples.",
    findings=[
        Finding.at_least("sharp", 0.9, 0.85),
        Finding.at_most("shifted", 0.7, 0.5),
        Finding.at_least("unmeasured", float("nan"), 0.5),
    ],
    warnings={"structure": [], "multimodal": ["label ignored: lesion agreement 0.02"]},
    galleries=[
        Gallery(
            "pairs",
            ["real", "synthetic"],
            BRAIN_MRI,
            IMAGES,
            lesion_label=LABELS,
            origin=Origin("medsynth generate --run RUN", {"model": "abcd1234"}),
        )
    ],
    tables=[Table("scores", ["measure", "value"], [["Dice", "0.800"]], "a note")],
    certificates=[certificate_evidence(CERTIFICATE, {"lesion.json": "ffff0000"})],
    uncertified=["memorisation"],
    studies=[study_evidence(STUDY, {"study": "eeee1111"})],
    gates=GateCounts(9, 4, {"contour": 5, "label": 0}, {"contour": 6, "label": 2}),
    coverage={
        "before": Coverage.of_labels(LABELS, CLASSES).to_dict(),
        "after": Coverage.of_labels(LABELS[:1], CLASSES).to_dict(),
    },
    curves={"lesion": {"overlap": ([0, 10, 20], [1.0, 0.5, float("nan")])}},
    trained={"lesion": {"seed": 3, "config": {"base_filters": 16, "rates": [1, 2]}}},
    steps=[{"verb": "train lesion", "seconds": 125.0, "peak_memory_mib": 900.4, "detail": {"steps": 20}}],
    commands=["medsynth report --run RUN --out report.html"],
)


class Page(html.parser.HTMLParser):
    """Every start tag with its attributes, and all text; complains about tags left open."""

    VOID = frozenset({"meta", "link", "img", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data


@pytest.fixture(scope="module")
def text() -> str:
    return report_html(FULL)


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    addresses = [value for _, attrs in page.tags for name, value in attrs.items() if name in ("src", "href")]
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert not {"script", "iframe", "object"} & {tag for tag, _ in page.tags}
    anchors = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {address[1:] for address in addresses if address.startswith("#")} == anchors


def test_every_picture_decodes_and_says_what_it_shows(page: Page) -> None:
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    # 2 samples of label + 4 modalities, gates, whole lesion + 4 classes, one curve, 2 scores, 2 measures.
    assert len(pictures) == 2 * 5 + 1 + 5 + 1 + 2 + 2
    for attrs in pictures:
        assert len(attrs["alt"]) > 10
        Image.open(io.BytesIO(base64.b64decode(attrs["src"].split(",")[1]))).verify()


def test_failures_come_first_and_unknown_is_undecided(page: Page) -> None:
    assert "1 held, 1 did not hold, 1 undecided" in page.text
    verdicts = [attrs["class"] for tag, attrs in page.tags if tag == "li" and attrs.get("class")]
    assert verdicts == [
        *("failed", "undecided", "held"),  # of the run
        "failed",  # of the certificate
        *("failed", "undecided", "held"),  # of the study
    ]


def test_failures_elsewhere_are_told_among_the_findings(page: Page) -> None:
    first = page.text[: page.text.index("Early warnings")]
    assert "What did not hold in certificates and studies" in first
    assert "synthetic first beats real alone" in first and "less well than in real" in first


def test_what_nobody_certified_is_named(page: Page) -> None:
    assert "memorisation: not certified" in page.text


def test_parts_say_what_makes_them_again(page: Page) -> None:
    for words in ("medsynth generate --run RUN", "abcd1234", "medsynth audit lesion", "ffff0000", "eeee1111"):
        assert words in page.text


def test_every_part_is_on_the_page(page: Page) -> None:
    for words in (
        "run <1>",
        "label ignored: lesion agreement 0.02",
        "0.800",
        "4 of 9",
        "config.base_filters",
        "1, 2",
        "2 min 5 s",
        "1 values are not finite",
        FULL.commands[0],
    ):
        assert words in page.text
    assert "Not recorded" not in page.text


def test_an_empty_run_says_so_in_every_part() -> None:
    text = Page(report_html(ReportData("nothing yet"))).text
    assert text.count("Not recorded in this run.") == 11
    assert (
        "No sample was accepted."
        in Page(report_html(ReportData("x", gates=GateCounts(3, 0, {"label": 3})))).text
    )


def test_same_data_same_bytes_and_old_page_is_replaced(tmp_path: Path, text: str) -> None:
    out = tmp_path / "report.html"
    out.write_text("old")
    assert render_report(FULL, out) == out
    assert out.read_text(encoding="utf-8") == text
    assert list(tmp_path.iterdir()) == [out]


def test_bad_data_leaves_the_old_page(tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    out.write_text("old")
    with pytest.raises(MedSynthError, match="as many steps"):
        render_report(ReportData("x", curves={"lesion": {"overlap": ([0], [])}}), out)
    assert out.read_text() == "old"
