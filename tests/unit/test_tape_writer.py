"""What the writer of a tape promises: it knows what is on disk, tries again, and in the end says where the rest is."""

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading

import httpx
import pytest

from course import files
from course.errors import CourseError
from course.tap import Tap, command
from course.tape import RecordingTransport, Tape, writing
from support.upstream import CHEAP, Handler, recorded, serving

posix = pytest.mark.skipif(os.name != "posix", reason="not applicable: POSIX")


class Disk:
    """A disk of `room` bytes that the writer sees instead of the real one. `error` is what it says when it is full."""

    def __init__(self, room, error=errno.ENOSPC):
        self.room, self.error = room, error

    def open(self, path, *how, **more):
        if self.error == errno.EROFS and not self.room:
            raise OSError(self.error, os.strerror(self.error), str(path))
        return Full(open(path, *how, **more), self)


class Full:
    def __init__(self, file, disk):
        self.file, self.disk = file, disk

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __getattr__(self, name):
        return getattr(self.file, name)

    def write(self, data):
        """As the system does: what fits is written, and only the next call fails."""
        if not self.disk.room:
            raise OSError(self.disk.error, os.strerror(self.disk.error))
        part = bytes(data)[: self.disk.room]
        self.disk.room -= len(part)
        return self.file.write(part)


@pytest.fixture
def disk(monkeypatch, tmp_path):
    """Puts a disk of some size under the tapes, and the temporary folder into this test's own."""

    def put(room, error=errno.ENOSPC):
        made = Disk(room, error)
        monkeypatch.setattr(writing, "open", made.open, raising=False)
        return made

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    yield put
    monkeypatch.undo()


@pytest.fixture
def upstream():
    with serving(Handler) as server:
        yield server
        server.go.set()


@pytest.fixture
def said():
    return []


@pytest.fixture
def tape(tmp_path, said):
    """A tape as `course tap` opens it."""
    tape = Tape(tmp_path / "t.tape.jsonl", keep=False, report=said.append)
    yield tape
    tape.writer.waiting.clear()
    tape.close()


def entry(n):
    request = {"method": "POST", "url": f"http://x/v1/chat/completions?n={n}"}
    return {"_type": "entry", "request": request, "response": {"status": 200}}


def add(tape, count, start=0):
    for n in range(start, start + count):
        tape.add(entry(n))


def numbers(records):
    return [int(r["request"]["url"].rpartition("=")[2]) for r in records if r["_type"] == "entry"]


def on_disk(path):
    """What another program reads there; it must be free of problems."""
    problems = []
    found = numbers(Tape.read(path, report=problems.append).records())
    assert problems == [], problems
    return found


@pytest.mark.attack("tap", "a full disk: the client", "unharmed")
@pytest.mark.attack(
    "tap", "a full disk: the tape", "what is not on it is reported, and where it is instead", fell=1
)
def test_on_a_full_disk_every_client_is_answered_and_what_is_missing_is_said(upstream, tape, disk, said):
    disk(2500)
    with Tap(upstream.url, tape) as tap, httpx.Client(**CHEAP) as client:
        answers = [client.get(f"{tap.url}/models").status_code for _ in range(8)]
        recorded(tape, 8)
    assert answers == [200] * 8
    tape.close()
    kept, rescued = (len(Tape.read(path).entries) for path in (tape.path, tape.writer.rescued))
    assert (kept + rescued, kept > 0, rescued > 0) == (8, True, True)
    assert "No space left" in said[0]
    assert str(tape.writer.rescued) in said[-1]
    summary = command.summary(tape)
    assert f"{tape.path}: {kept} turn" in summary
    assert f"{rescued} exchange" in summary
    assert str(tape.writer.rescued) in summary


@pytest.mark.attack(
    "tap", "a disk that has room again in the middle", "what waited is written, in order", fell=1
)
def test_what_waited_is_written_in_order_when_there_is_room_again(tape, disk, said):
    small = disk(700)
    add(tape, 6)
    assert tape.unsaved
    small.room = 10**6
    add(tape, 4, start=6)
    assert tape.unsaved == []
    assert on_disk(tape.path) == list(range(10))
    assert [e["_id"] for e in tape.entries] == list(range(1, 11))
    assert len(said) == 2
    assert "can be written again" in said[1]
    tape.close()
    assert "10 turns" in command.summary(tape)
    assert "Not on the tape" not in command.summary(tape)


def test_room_again_at_the_end_is_enough(tape, disk):
    small = disk(700)
    add(tape, 6)
    small.room = 10**6
    tape.close()
    assert on_disk(tape.path) == list(range(6))
    assert tape.writer.rescued is None


@pytest.mark.attack("tap", "a disk that is full in the middle of a line", "no torn line, nothing twice")
def test_a_line_that_did_not_fit_leaves_no_part_of_itself(tape, disk):
    small = disk(10**6)
    add(tape, 1)
    for room in (1, 50, 120):
        small.room = room
        before = tape.path.read_bytes()
        tape.add(entry(0))
        assert tape.path.read_bytes() == before
    small.room = 10**6
    add(tape, 1)
    assert on_disk(tape.path) == [0] * 5


def test_two_failures_with_room_between_are_two_reports(tape, disk, said):
    small = disk(0)
    for room in (0, 10**6, 0):
        small.room = room
        add(tape, 1)
    assert ["cannot" in s for s in said] == [True, False, True]


@pytest.mark.attack(
    "tap", "a tape that is read-only, from the start", "client unharmed, the loss is reported", fell=1
)
def test_a_tape_that_can_never_be_written_is_said_and_is_elsewhere(tape, disk, said):
    disk(0, errno.EROFS)
    add(tape, 3)
    tape.close()
    assert "Read-only file system" in said[0]
    assert on_disk(tape.writer.rescued) == [0, 1, 2]
    summary = command.summary(tape)
    assert "nothing is on this tape" in summary
    assert "turn" not in summary.splitlines()[0]
    assert f"Look at it:  course view {tape.writer.rescued}" in summary


@pytest.mark.attack("tap", "a tape that becomes read-only", "client unharmed, the loss is reported", fell=1)
def test_a_tape_that_becomes_read_only_keeps_what_it_has(tape, disk):
    full = disk(10**6, errno.EROFS)
    add(tape, 2)
    full.room = 0
    add(tape, 3, start=2)
    tape.close()
    assert (on_disk(tape.path), on_disk(tape.writer.rescued)) == ([0, 1], [2, 3, 4])
    assert f"{tape.path}: 2 turns: 2 × HTTP 200" in command.summary(tape)


def test_if_the_temporary_folder_is_full_too_the_loss_is_said(tape, disk, said, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    disk(0)
    add(tape, 2)
    monkeypatch.setattr(tempfile, "mkstemp", refuse)
    tape.close()
    assert "2 records" in said[-1]
    assert "will be lost" in said[-1]
    assert "they are lost" in command.summary(tape)


def test_closing_twice_leaves_one_file_and_room_removes_it(tape, disk, tmp_path):
    small = disk(0)
    add(tape, 1)
    tape.close()
    add(tape, 1, start=1)
    tape.close()
    (only,) = (tmp_path / "temporary").iterdir()
    assert on_disk(only) == [0, 1]
    small.room = 10**6
    tape.close()
    assert on_disk(tape.path) == [0, 1]
    assert not only.exists()


@posix
@pytest.mark.attack(
    "tap",
    "a program that ends while its tape cannot be written",
    "the rest is in the temporary folder",
    fell=1,
)
def test_a_program_that_ends_writes_the_rest_elsewhere(tmp_path):
    """With a real limit of the system, and without a call of `close`."""
    code = """
import resource
from course.tape import Tape
tape = Tape("t.tape.jsonl")
tape.add({"_type": "step", "code": "a"})
resource.setrlimit(resource.RLIMIT_FSIZE, (600, resource.RLIM_INFINITY))
tape.add({"_type": "step", "code": "b" * 500})
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
import os
os.remove("t.tape.jsonl"); os.mkdir("t.tape.jsonl")
"""
    (tmp_path / "temporary").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(tmp_path / "temporary")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (rescued,) = (tmp_path / "temporary").iterdir()
    assert str(rescued) in done.stderr
    assert [s["code"] for s in Tape.read(rescued).steps] == ["b" * 500]


@pytest.mark.attack(
    "tap", "the tape is removed under the tap", "reported; recording goes on in a new file", fell=3
)
@pytest.mark.parametrize("how", ["removed", "emptied"])
def test_a_tape_that_is_removed_or_emptied_is_said(tape, said, how):
    add(tape, 3)
    tape.path.unlink() if how == "removed" else tape.path.write_bytes(b"")
    add(tape, 2, start=3)
    tape.close()
    (problem,) = said
    assert how in problem
    assert "3 records" in problem
    assert on_disk(tape.path) == [3, 4]
    summary = command.summary(tape, before=1)
    assert f"{tape.path}: 2 turns" in summary
    assert "3 exchanges recorded before it was removed or emptied" in summary


def test_a_tape_that_is_removed_at_the_very_end_is_said(tape, said):
    add(tape, 3)
    tape.path.unlink()
    tape.close()
    assert "removed" in said[0]
    assert "nothing is on this tape" in command.summary(tape)


@pytest.mark.attack("tap", "the tape's folder is removed under the tap", "recording goes on")
def test_a_folder_that_is_removed_is_made_again(tmp_path, said):
    tape = Tape(tmp_path / "tapes" / "t.tape.jsonl", keep=False, report=said.append)
    add(tape, 1)
    shutil.rmtree(tmp_path / "tapes")
    add(tape, 1, start=1)
    assert on_disk(tape.path) == [1]
    assert "removed" in said[0]


@posix
@pytest.mark.attack("tap", "a FIFO or /dev/full as a tape", "refused before listening", fell=3)
def test_what_is_not_a_file_is_refused_as_a_tape(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/null", *(["/dev/full"] if os.path.exists("/dev/full") else [])):
        with pytest.raises(CourseError, match="is not a file"):
            Tape(path)
    with pytest.raises(CourseError, match="is a directory"):
        Tape(tmp_path)


@pytest.mark.attack(
    "tap", "two taps on one tape", "whole lines, no number twice, each counts its own", fell=3
)
def test_two_taps_on_one_tape_share_it(tmp_path):
    one, two = (Tape(tmp_path / "t.tape.jsonl", keep=False) for _ in range(2))
    threads = [threading.Thread(target=add, args=(t, 100, 100 * n)) for n, t in enumerate((one, two))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(on_disk(one.path)) == list(range(200))
    ids = [e["_id"] for e in Tape.read(one.path).entries]
    assert len(set(ids)) == 200, f"{200 - len(set(ids))} numbers twice"
    for tape in (one, two):
        tape.close()
        assert "100 exchanges on it came from another program" in command.summary(tape)


@posix
@pytest.mark.attack(
    "tap", "kill -9 while it records, then another recorder", "all before it is there, and read"
)
def test_after_kill_9_everything_before_it_is_there(tmp_path):
    code = """
from course.tape import Tape
tape = Tape("t.tape.jsonl")
for n in range(20_000):  # until it is killed, and no more than a disk has room for
    tape.add({"_type": "step", "step_number": n, "code": "x" * 5000})
    if n == 20:
        print(flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    problems = []
    tape = Tape(tmp_path / "t.tape.jsonl", report=problems.append)
    tape.add({"_type": "step", "step_number": 0, "code": "next"})
    steps = Tape.read(tape.path, report=problems.append).steps
    assert [s["step_number"] for s in steps[:-1]] == list(range(len(steps) - 1))
    assert len(steps) > 21
    assert steps[-1]["code"] == "next"
    assert len(problems) <= 2, "the line that was being written, once for each reading"


@pytest.mark.attack(
    "tape", "a HAR file is exported, and the disk is full", "the earlier file stays as it was", fell=2
)
@pytest.mark.parametrize("fault", ["disk", "text"])
def test_an_exported_har_is_replaced_only_by_a_whole_one(tmp_path, monkeypatch, fault):
    tape = Tape(tmp_path / "t.tape.jsonl")
    path = tmp_path / "x.har"
    tape.add(entry(0))
    before = tape.export(path).read_bytes()
    if fault == "text":
        tape.add({**entry(1), "note": "half of a pair: \ud83d"})
        assert (
            json.loads(tape.export(path).read_text(encoding="utf-8"))["log"]["entries"][1]["note"][-1]
            == "\ud83d"
        )
        assert Tape.read(path).entries[1]["note"].endswith("\ud83d")
        assert Tape.read(tape.path).entries[1]["note"].endswith("\ud83d")
        return

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    tape.add(entry(1))
    with pytest.raises(OSError, match="No space left"):
        tape.export(path)
    assert path.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["t.tape.jsonl", "x.har"], (
        "nothing is left beside it"
    )


@posix
@pytest.mark.attack(
    "tap",
    "the command that puts rescued records back, after a full disk from the start, or with the tape gone",
    "it makes a whole tape",
    fell=3,
)
@pytest.mark.parametrize("there", ["begun", "empty", "missing", "folder missing"])
def test_the_command_that_puts_records_back_makes_a_whole_tape(tmp_path, disk, said, there):
    path = tmp_path / "my tapes" / "t.tape.jsonl"
    path.parent.mkdir()
    if there == "begun":
        add(Tape(path), 2)
    elif there == "empty":
        path.touch()
    tape = Tape(path, keep=False, report=said.append)
    disk(0)
    add(tape, 2, start=2)
    if there == "folder missing":
        shutil.rmtree(path.parent)
        path.parent.touch()  # so that it cannot be made
    elif there == "missing":
        path.unlink(missing_ok=True)
    tape.close()
    if there == "folder missing":
        path.parent.unlink()
    subprocess.run(said[-1].rpartition("room:  ")[2], shell=True, check=True)
    assert on_disk(path) == ([0, 1, 2, 3] if there == "begun" else [2, 3])
    assert json.loads(path.read_text().splitlines()[0])["_type"] == "tape"
    tape.writer.waiting.clear()


@pytest.mark.attack(
    "tape", "NaN and 1e400 from a server in a record of the course's own", "null: the tape is JSON", fell=2
)
def test_numbers_that_json_does_not_have_become_null(tape):
    nan, inf = float("nan"), float("inf")
    tape.add(
        {
            "_type": "step",
            "tokens": {"input": nan, "output": 5},
            "action_output": [inf, (-inf, 1.5)],
            "more": {nan: 1},
        }
    )

    def never(constant):
        raise AssertionError(f"{constant} is not JSON")

    line = json.loads(tape.path.read_text().splitlines()[1], parse_constant=never)
    assert line["tokens"] == {"input": None, "output": 5}
    assert line["action_output"] == [None, [None, 1.5]]
    assert line["more"] == {"nan": 1}
    assert [r["_type"] for r in tape.records()] == ["step"], "it is not set aside"


@posix
@pytest.mark.attack("lab", "another user reads tapes, HAR files and rescued records", "mode 0600", fell=3)
def test_only_its_user_can_read_a_tape(tmp_path, disk, said, monkeypatch):
    monkeypatch.chdir(tmp_path)
    fresh, named = Tape(), Tape(tmp_path / "t.tape.jsonl", report=said.append)
    add(fresh, 1)
    add(named, 1)
    made = [fresh.path, named.path, named.export(tmp_path / "x.har")]
    disk(0)
    add(named, 1)
    named.close()
    made.append(named.writer.rescued)
    assert [oct(stat.S_IMODE(path.stat().st_mode)) for path in made] == ["0o600"] * 4
    named.writer.waiting.clear()


@pytest.mark.attack(
    "tap", "an exchange that the recorder itself fails on", "client unharmed, the loss is reported"
)
def test_an_exchange_that_cannot_be_recorded_is_said(tape, said, monkeypatch):
    def broken(*_):
        raise ValueError("a fault")

    monkeypatch.setattr("course.tape.har.entry", broken)
    answer = httpx.MockTransport(lambda _: httpx.Response(200, text="fine"))
    with httpx.Client(transport=RecordingTransport(answer, tape)) as client:
        assert client.get("http://x/").text == "fine"
    assert said == ["an exchange could not be recorded (ValueError: a fault)"]
