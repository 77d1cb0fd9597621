"""The report in a real browser: alone, without errors, on a phone, in words for pictures, and on paper."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reports.test_page import FULL
from tf_medsynth.reports.page import ReportData, render_report

sync_api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium: apt-get install it, or name it in CHROMIUM"),
]
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
)
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("profile"), executable_path=CHROMIUM, args=QUIET.split(), headless=True
        )
        yield context
        context.close()


@pytest.fixture(scope="module", params=["full", "empty"])
def file(request, tmp_path_factory) -> Path:
    data = FULL if request.param == "full" else ReportData("nothing yet")
    return render_report(data, tmp_path_factory.mktemp("page") / "report.html")


@pytest.fixture
def opened(browser, file) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The page on a phone, what it complained of, and what it asked for beyond itself."""
    page = browser.new_page()
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.set_viewport_size(PHONE)
    page.goto(file.as_uri())
    yield page, complaints, asked
    page.close()


def test_it_loads_without_complaint_and_asks_for_nothing_else(opened, file):
    page, complaints, asked = opened
    page.wait_for_load_state("networkidle")
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_nothing_is_wider_than_the_window(opened, size):
    page = opened[0]
    page.set_viewport_size(size)
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert width <= window == size["width"]
    # What is wider than its box scrolls inside it; nothing sticks out of the page and is cut off.
    outside = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(e => {
             const box = e.getBoundingClientRect();
             return box.width > 1 && box.right > window.innerWidth + 1 && !e.closest('.table');
           }).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert outside == []


def test_every_picture_is_shown_and_described(opened, file):
    page = opened[0]
    pictures = page.evaluate(
        "[...document.images].map(i => [i.complete && i.naturalWidth > 0, i.alt.trim().length])"
    )
    assert file.read_text(encoding="utf-8").count("<img") == len(pictures)
    assert all(drawn and described > 10 for drawn, described in pictures)


def test_every_link_of_the_contents_leads_somewhere(opened):
    page = opened[0]
    for link in page.locator("nav a").all():
        anchor = link.get_attribute("href")
        assert page.locator(f"section{anchor} h2").count() == 1


def test_text_can_be_read_on_its_ground(opened):
    """Contrast of all text at least 4.5 to 1, as WCAG AA asks."""
    page = opened[0]
    weak = page.evaluate(
        """() => {
          const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
          const numbers = c => c.match(/[0-9.]+/g).map(Number);
          const light = c => { const [r, g, b] = numbers(c);
            return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b); };
          const ground = e => { for (; e; e = e.parentElement) {
            const c = getComputedStyle(e).backgroundColor, n = numbers(c);
            if (n.length < 4 || n[3] > 0) return c; } return 'rgb(255, 255, 255)'; };
          return [...document.querySelectorAll('body *')].filter(e => [...e.childNodes].some(
              n => n.nodeType === 3 && n.textContent.trim()) && e.getBoundingClientRect().width > 1)
            .filter(e => { const [a, b] = [light(getComputedStyle(e).color), light(ground(e))];
              return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; })
            .map(e => e.outerHTML.slice(0, 80)); }"""
    )
    assert weak == []


def test_it_prints(opened, tmp_path):
    page = opened[0]
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    paper = page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert paper.startswith(b"%PDF") and len(paper) > 10_000
