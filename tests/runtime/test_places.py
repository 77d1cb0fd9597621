"""Names at which nothing can stand, in one line; `tests/hard_input/of_places.py` asks every verb."""

import os

import pytest

from tf_medsynth.runtime import check_new_file, check_writable, local_path
from tf_medsynth.types import MedSynthError


@pytest.mark.parametrize("place", ["gs://bucket/a", "s3:/bucket", "file:///a", "hdfs://a:9/b"])
def test_a_url_is_no_place(place):
    with pytest.raises(MedSynthError, match=r"out is a place on this machine, not a URL.*Mount or copy"):
        local_path(place, "out")


@pytest.mark.parametrize("place", ["", "a\0b", "a\udcff"])
def test_what_is_no_name_is_told(place):
    with pytest.raises(MedSynthError, match=r"out (names|is a name)") as caught:
        local_path(place, "out")
    assert str(caught.value).isprintable()


def test_a_pattern_is_refused_where_names_are_read_as_such(tmp_path, monkeypatch):
    assert local_path("set[1]", "out").name == "set[1]"
    (tmp_path / "a[1]").mkdir()
    monkeypatch.chdir(tmp_path / "a[1]")
    for place in ("set*", "set"):
        with pytest.raises(MedSynthError, match="takes for patterns"):
            local_path(place, "out", literal=True)


def test_a_file_takes_the_place_of_a_file_alone(tmp_path):
    (tmp_path / "old.png").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "link.png").symlink_to(tmp_path / "nowhere")
    for name in ("old.png", "new.png", "new/new.png"):
        assert check_new_file(tmp_path / name) == tmp_path / name
    for place in (tmp_path / "folder.png", tmp_path / "link.png", "/dev/null"):
        with pytest.raises(MedSynthError, match="is a file, not a folder, a device or a link to nowhere"):
            check_new_file(place)
    assert sorted(os.listdir(tmp_path)) == ["folder.png", "link.png", "old.png"]


def test_a_name_leaves_room_for_hidden_ones_beside_it(tmp_path):
    check_writable(tmp_path / ("n" * 200))
    for check in (check_writable, check_new_file):
        with pytest.raises(MedSynthError, match=r"at most 200 bytes.*bytes=202"):
            check(tmp_path / ("é" * 101))


def test_a_folder_of_the_kernel_takes_no_files():
    with pytest.raises(MedSynthError, match="can be written to"):
        check_writable("/proc/new")
