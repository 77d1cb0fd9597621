"""The page in a real browser: clean, local, by keyboard, on a phone, with files that can be read."""

from __future__ import annotations

import gzip
import io
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import zipfile

import nibabel
import numpy as np
import pytest

from tf_medsynth.cli.main import main
from tf_medsynth.config.domains.brain_mri import BRAIN_MRI
from tf_medsynth.saved_model.patients import Patients

MODALITIES = BRAIN_MRI.modalities

pytest.importorskip("nicegui", reason="needs the extra [ui]")
api = pytest.importorskip("playwright.sync_api", reason="needs playwright")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no chromium on the PATH", allow_module_level=True)

pytestmark = pytest.mark.slow

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
PATIENCE = 300
"""Seconds for what takes one on an idle machine."""

CONTRASTS = """() => {
  const light = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number)
    .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  for (const one of document.querySelectorAll("main *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility()) continue;
    let ground = one;
    while (ground.parentElement && /rgba\\(.*, 0\\)/.test(getComputedStyle(ground).backgroundColor))
      ground = ground.parentElement;
    const pair = [light(getComputedStyle(one).color), light(getComputedStyle(ground).backgroundColor)];
    found.push([one.tagName + " " + one.textContent.slice(0, 20),
      (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)]);
  }
  return found;
}"""


@pytest.fixture(scope="module")
def address(tiny_model, tmp_path_factory):
    """Of a gallery of `tiny_model` in a process of its own."""
    folder = tmp_path_factory.mktemp("gallery")
    words = ["-m", "tf_medsynth.cli.main", "gallery", str(tiny_model), "--port", "0", "--no-browser"]
    with (folder / "log").open("w") as log:
        running = subprocess.Popen([sys.executable, *words], cwd=folder, stderr=log, stdout=log)
    end, found = time.monotonic() + PATIENCE, None
    while not found and running.poll() is None and time.monotonic() < end:
        time.sleep(0.2)
        found = re.search(r"at (http://\S+),", (folder / "log").read_text())
    assert found, (folder / "log").read_text()
    yield found[1]
    running.send_signal(signal.SIGINT)
    assert running.wait(PATIENCE) == 0, (folder / "log").read_text()
    assert f"showed {tiny_model} at {found[1]}" in (folder / "log").read_text()
    assert [path.name for path in folder.iterdir()] == ["log"]


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with api.sync_playwright() as driver:
        context = driver.chromium.launch_persistent_context(
            str(tmp_path_factory.mktemp("profile")),
            executable_path=CHROMIUM,
            args=FLAGS,
            viewport={"width": 1280, "height": 900},
        )
        context.set_default_timeout(1000 * PATIENCE)
        yield context
        context.close()


@pytest.fixture
def page(browser, address):
    """The page with its first patient; it must have asked nobody else and said nothing on the console."""
    opened, said, asked = browser.new_page(), [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("requestfailed", lambda request: said.append(f"failed: {request.url}"))
    opened.on(
        "response", lambda answer: answer.status >= 400 and said.append(f"{answer.status} {answer.url}")
    )
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("websocket", lambda wire: asked.append(wire.url))
    opened.goto(address)
    until(opened, "[role=status]", "Seed 0, sample")
    yield opened
    opened.close()
    own = (address, address.replace("http", "ws", 1), "data:")
    assert said == []
    assert asked and [url for url in asked if not url.startswith(own)] == []


def until(page, selector, text):
    """Waits until an element says `text`."""
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent.includes(text)",
        arg=[selector, text],
    )


def sources(page):
    """Address of each picture by its caption."""
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('figure')]"
        ".map((f) => [f.textContent.trim(), f.querySelector('img').src]))"
    )


def press_to(page, selector):
    """Tabs until `selector` has the focus."""
    for _ in range(60):
        if page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way to {selector} by Tab")


def test_pictures_have_words_and_controls_have_labels(page):
    images = page.locator("img")
    assert images.count() == 3 + len(MODALITIES)
    for name in ("Structure map", *(f"{m} image" for m in MODALITIES)):
        assert page.get_by_alt_text(re.compile(f"^{name} of seed 0, sample \\d+: ")).count() == 1
    unnamed = page.evaluate(
        "[...document.querySelectorAll('input, select')].filter((c) => !c.labels[0]?.textContent).length"
    )
    assert unnamed == 0 and page.locator("input, select").count() == 20
    assert page.evaluate("document.documentElement.lang") == "en-US"
    assert page.locator("h1").count() == page.locator("main").count() == 1


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_scrolls_sideways_and_words_stand_out(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    page.locator("summary").click()
    page.locator("#kind").select_option("nested")
    until(page, "#command", "--lesion")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    inside = "[...document.querySelectorAll('main *')].every((e) => e.getBoundingClientRect().right <= {})"
    assert page.evaluate(inside.format(width + 0.5))
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 30
    assert not [name for name, contrast in contrasts if contrast < 4.5]


def test_a_seed_is_changed_by_keyboard(page):
    before = sources(page)
    press_to(page, "#seed")
    page.keyboard.press("Control+A")
    page.keyboard.type("7")
    until(page, "[role=status]", "Seed 7, sample")
    after = sources(page)
    assert all(after[name] != before[name] for name in ("Structure map", *MODALITIES))
    press_to(page, "button")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(page, "[role=status]", "Seed 7, sample 1")
    assert page.locator("#number").input_value() == "1"
    before = sources(page)["T1"]
    press_to(page, "#lines")
    page.keyboard.press("End")
    page.wait_for_function(
        "(before) => [...document.querySelectorAll('figure')]"
        ".some((f) => f.textContent.trim() === 'T1' && f.querySelector('img').src !== before)",
        arg=before,
    )
    assert page.locator("#lines").get_attribute("aria-valuetext") == "100 %"


def test_a_window_changes_one_modality(page):
    before = sources(page)
    press_to(page, "summary")
    page.keyboard.press("Enter")
    press_to(page, "#width-T2")
    page.keyboard.press("Home")
    page.wait_for_function(
        "(before) => [...document.querySelectorAll('img')].every((i) => i.src !== before)", arg=before["T2"]
    )
    after = sources(page)
    assert [name for name in after if after[name] != before[name]] == ["T2"]
    page.get_by_role("button", name="Reset windows").press("Enter")
    page.wait_for_function(
        "(before) => [...document.querySelectorAll('img')].some((i) => i.src === before)", arg=before["T2"]
    )
    assert page.locator("#width-T2").input_value() == "1"


def test_a_lesion_outside_the_brain_is_told_and_moved_back(page):
    page.locator("#kind").focus()
    page.keyboard.type("my own, oed")
    until(page, "#command", "kind=oedema")
    until(page, "[role=status]", "oedema")
    before = sources(page)
    page.locator("#radius").press("End")
    until(page, "[role=alert]", "Move")
    assert sources(page) == before
    page.get_by_role("button", name="Move it").press("Enter")
    page.wait_for_function("document.querySelector('[role=alert]').textContent === ''")
    assert float(page.locator("#radius").input_value()) < 0.5
    page.locator("#number").fill("")
    until(page, "[role=alert]", "the sample number must be a whole number")


@pytest.mark.parametrize("own", [False, True])
def test_a_download_is_what_is_seen_and_what_the_command_makes(page, tiny_model, tmp_path, own):
    if own:
        page.locator("#kind").select_option("nested")
        until(page, "#command", "--lesion")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download").press("Enter")
    content = coming.value.path().read_bytes()
    words = shlex.split(page.locator("#command").text_content())
    assert words[-1] == coming.value.suggested_filename
    assert main([*words[1:-1], str(tmp_path / words[-1])]) == 0
    assert (tmp_path / words[-1]).read_bytes() == content
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        read = {name.rpartition("_")[2]: file.read(name) for name in file.namelist()}
        record = json.loads(read.popitem()[1]) if "record.json" in file.namelist()[-1] else {}
    flair = nibabel.Nifti1Image.from_bytes(gzip.decompress(read["flair.nii.gz"]))
    drawn = Patients(tiny_model).draw(0, record["sample"])
    if not own:
        wanted = np.rint(drawn.images[..., 3].astype(np.float64) * 10_000)
        np.testing.assert_array_equal(np.asanyarray(flair.dataobj)[:, :, 0].T, wanted)
    assert (record["lesion"] == "drawn by the model") != own
    assert flair.header.get_zooms() == (1.0, 1.0, 1.0)


def test_a_bad_address_is_refused(page, address):
    answer = page.request.get(f"{address}/patient.zip?seed=0&number=0&radius=9")
    assert (answer.status, answer.text()) == (
        400,
        "radius is a share of the image, above 0 to 0.5. Received: radius=9.0.\n",
    )
