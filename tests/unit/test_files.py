"""The course's own files: where they are, that nobody reads half of one, and what is said if the disk refuses."""

import contextlib
import errno
import os
import stat

import pytest

from course import files
from course.errors import CourseError
from course.model import embedded
from course.server import registry, startup, unixsocket


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def blocked(tmp_path, monkeypatch):
    """A cache that cannot be made, also not by root: its parent is a file."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / "cache"))


@pytest.mark.parametrize(
    "use",
    [files.cache_dir, registry.running, registry.stop_all, lambda: startup.new_log("x"), embedded.gguf_path],
)
def test_a_cache_that_cannot_be_made_is_an_error_with_the_next_command(blocked, use):
    with pytest.raises(CourseError, match=r"(?s)cannot write to .*\n.*COURSE_CACHE=/another/folder course"):
        use()


@pytest.mark.parametrize("step", ["merge", "record"])
def test_a_full_disk_is_an_error_with_the_next_command_and_leaves_nothing(cache, monkeypatch, step):
    if step == "merge":
        monkeypatch.setattr("course.model.merge.merge", full)
    else:
        monkeypatch.setattr(files.os, "replace", full)
        monkeypatch.setattr("course.model.merge.merge", lambda *a, **_: a[2].write_bytes(b"GGUF"))
    with pytest.raises(CourseError, match=r"No space left on device.*\n.*COURSE_CACHE="):
        embedded.gguf_path(report=lambda _: None)
    assert not list(cache.iterdir())


def test_a_reader_sees_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "note.json"
    files.write(path, "old")
    with files.replacing(path) as part:
        part.write_text("half")
        assert path.read_text() == "old"
        part.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_keeps_the_old_file(tmp_path):
    path = tmp_path / "note.json"
    files.write(path, "old")
    with pytest.raises(UnicodeEncodeError):
        files.write(path, "half \ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.name != "posix", reason="not applicable: POSIX")
@pytest.mark.attack(
    "lab", "another user opens a private file while it is being written", "mode 0600 from the start", fell=3
)
def test_a_private_file_is_private_from_the_start(tmp_path, monkeypatch):
    modes, replacing = [], files.replacing

    @contextlib.contextmanager
    def watched(*given, **more):
        with replacing(*given, **more) as part:
            modes.append(oct(stat.S_IMODE(part.stat().st_mode)))
            yield part
            modes.append(oct(stat.S_IMODE(part.stat().st_mode)))

    monkeypatch.setattr(files, "replacing", watched)
    files.write_private(tmp_path / "note.json", "{}")
    assert modes == ["0o600"] * 2
    files.write(tmp_path / "other.json", "{}")
    assert modes[2] == oct(0o666 & ~_umask())


def _umask():
    os.umask(now := os.umask(0o077))
    return now


@pytest.mark.attack(
    "lab", "kill -9 while a file is written", "the next write removes what is left of it", fell=3
)
def test_what_a_killed_program_left_of_a_file_goes_with_the_next_write(tmp_path):
    path = tmp_path / "a.har"
    old, young, *others = (
        tmp_path / name
        for name in (".a.har.11-0a1b2c.part", ".a.har.12-0a1b2c.part", ".b.har.11-0a1b2c.part", ".a.har.mine.part", "a.har")
    )  # fmt: skip
    for one in (old, young, *others):
        one.touch()
        os.utime(one, None if one == young else (0, 0))
    files.write(path, "new")
    assert sorted(tmp_path.iterdir()) == sorted([young, *others])
    assert path.read_text() == "new"


@pytest.mark.attack(
    "server", "a cache with spaces, a comma and letters of several languages in its name", "works"
)
def test_a_cache_with_spaces_and_letters_of_any_language_works(tmp_path, monkeypatch):
    cache = tmp_path / "Größe und Länge, 長さ"
    monkeypatch.setenv("COURSE_CACHE", str(cache))
    assert startup.new_log("x").parent == cache / "logs"
    assert registry.folder() == cache / "servers"
    files.write(files.cache_dir() / "é.txt", "ü\n")
    assert (cache / "é.txt").read_bytes() == "ü\n".encode()
    if hasattr(os, "geteuid"):
        assert unixsocket.prepare().suffix == ".sock"


@pytest.mark.attack(
    "server",
    "a .part file of a merge that was killed",
    "removed at the next use, when it is an hour old",
    fell=3,
)
def test_the_leftovers_of_killed_merges_go_and_those_of_running_ones_stay(cache, monkeypatch):
    old, young = files.cache_dir() / ".embedded-a.part", cache / ".embedded-b.part"
    for part in (old, young):
        part.touch()
    os.utime(old, (0, 0))
    monkeypatch.setattr("course.model.merge.merge", lambda *a, **_: a[2].write_bytes(b"GGUF"))
    model = embedded.gguf_path(report=lambda _: None)
    assert embedded.verify(model)
    assert not old.exists()
    assert young.exists()
    os.utime(young, (0, 0))
    assert embedded.gguf_path(report=lambda _: None) == model
    assert not young.exists(), "the next use of a finished model leaves it"
