"""What the recorder promises: it changes nothing, loses nothing, and never gets in the way."""

import asyncio
import atexit
import gzip
import json
import threading
import time
import tracemalloc
import warnings
from base64 import b64decode
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import ClassVar

import httpx
import pytest

from course.tape import AsyncRecordingTransport, RecordingTransport, Tape

PATIENCE = 60  # seconds for something that takes milliseconds on an idle machine
SSE = [b'data: {"choices":[{"delta":{"content":"hel', b'lo"}}]}\n\n', b"data: [DONE]\n\n"]


class Upstream(BaseHTTPRequestHandler):
    """Answers each path differently; sends chunks one at a time, so that the client receives them one at a time."""

    protocol_version = "HTTP/1.1"
    taken = threading.Semaphore(0)
    bodies: ClassVar[dict[str, bytes]] = {
        "/plain": b'{"id": "x"}',
        "/binary": bytes(range(256)),
        "/empty": b"",
        "/half": "größer".encode()[:3],
    }

    def do_GET(self):
        if self.path in self.bodies:
            self.whole(self.bodies[self.path])
        elif self.path == "/gzip":
            self.whole(gzip.compress(b'{"zipped": true}', mtime=0), ("Content-Encoding", "gzip"))
        elif self.path == "/error":
            self.whole(b'{"error": {"message": "too long"}}', status=400)
        elif self.path == "/cookie":
            self.whole(b"{}", ("Set-Cookie", "session=secret"))
        else:
            self.chunks(SSE, cut=self.path == "/cut", more=self.path == "/endless")

    def do_POST(self):
        self.whole(self.rfile.read(int(self.headers["Content-Length"])))

    def whole(self, body, *headers, status=200):
        self.send_response(status)
        for name, value in [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            *headers,
        ]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def chunks(self, chunks, cut=False, more=False):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks[:2] * 50 if more else chunks:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            if self.path == "/asked":  # the next one comes after the client has this one
                self.taken.acquire(timeout=PATIENCE)
            else:
                time.sleep(0.02)
            if cut:
                self.close_connection = True
                return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass

    def handle(self):
        with suppress(BrokenPipeError, ConnectionResetError):  # a client may go away
            super().handle()


@pytest.fixture(scope="module")
def upstream():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def tape(tmp_path):
    return Tape(tmp_path / "t.tape.jsonl")


def client(tape=None):
    transport = httpx.HTTPTransport()
    transport = RecordingTransport(transport, tape) if tape is not None else transport
    return httpx.Client(transport=transport, timeout=PATIENCE)


def get(url, tape=None):
    with client(tape) as c, c.stream("GET", url) as response:
        chunks = list(response.iter_raw())
        headers = [(k, v) for k, v in response.headers.raw if k != b"Date"]
        return response.status_code, headers, chunks


@pytest.mark.parametrize("path", ["/plain", "/binary", "/empty", "/gzip", "/error", "/stream"])
def test_recording_changes_no_byte(upstream, tape, path):
    """What the client gets through the recorder is what the server sent, chunk for chunk."""
    direct, recorded = get(upstream + path), get(upstream + path, tape)
    assert recorded == direct
    entry = tape.entries[0]
    assert entry["_error"] is None
    assert [n for _, n in entry["_chunks"]] == [len(chunk) for chunk in direct[2]]
    assert entry["response"]["bodySize"] == sum(map(len, direct[2]))


@pytest.mark.parametrize("path", ["/plain", "/gzip", "/stream"])
def test_an_asynchronous_client_is_recorded_too(upstream, tape, path):
    async def fetch():
        transport = AsyncRecordingTransport(httpx.AsyncHTTPTransport(), tape)
        async with (
            httpx.AsyncClient(transport=transport, timeout=PATIENCE) as c,
            c.stream("GET", upstream + path) as response,
        ):
            return [chunk async for chunk in response.aiter_raw()]

    _, _, chunks = get(upstream + path)
    assert asyncio.run(fetch()) == chunks
    (entry,) = tape.entries
    assert entry["_error"] is None
    assert [n for _, n in entry["_chunks"]] == [len(chunk) for chunk in chunks]


def test_an_asynchronous_client_that_is_cancelled_is_recorded(upstream, tape):
    async def fetch():
        transport = AsyncRecordingTransport(httpx.AsyncHTTPTransport(), tape)
        async with (
            httpx.AsyncClient(transport=transport, timeout=PATIENCE) as c,
            c.stream("GET", upstream + "/endless") as response,
            asyncio.timeout(0.1),
        ):
            async for _ in response.aiter_raw():
                pass

    with pytest.raises(TimeoutError):
        asyncio.run(fetch())
    assert tape.entries[0]["_error"] == "the client closed the response before its end"


def test_chunks_arrive_when_they_are_sent(upstream, tape):
    """A stream is passed on as it comes, not when it is complete."""
    with client(tape) as c, c.stream("GET", upstream + "/asked") as response:
        for _ in response.iter_raw():
            time.sleep(0.02)
            Upstream.taken.release()
    times = [ms for ms, _ in tape.entries[0]["_chunks"]]
    assert len(times) == len(SSE)
    assert times[-1] - times[0] > 25, f"all chunks within {times[-1] - times[0]} ms, sent 40 ms apart"


def test_bodies_are_text_where_they_can_be(upstream, tape):
    for path in ("/plain", "/binary", "/gzip", "/half"):
        get(upstream + path, tape)
    plain, binary, zipped, half = (e["response"]["content"] for e in tape.entries)
    assert plain["text"] == '{"id": "x"}'
    assert binary["encoding"] == "base64"
    assert zipped["text"] == '{"zipped": true}'
    assert "gzip" in zipped["comment"]
    assert half["text"].encode() + b64decode(half["_tail"]) == Upstream.bodies["/half"], "cut in a character"


def test_a_sent_body_is_on_tape(upstream, tape):
    """Also one that is read only while it is sent; the server's echo shows that it got the same."""
    with client(tape) as c:
        c.post(upstream, json={"a": "ü"})
        c.post(upstream, content=iter([b"in ", b"parts"]), headers={"Content-Length": "8"})
    for entry, sent in zip(tape.entries, ['{"a":"ü"}', "in parts"], strict=True):
        assert entry["request"]["postData"]["text"] == sent
        assert entry["response"]["content"]["text"] == sent


def test_credentials_stay_off_the_tape(upstream, tape):
    secret = {
        "Authorization": "Bearer secret",
        "X-Api-Key": "secret",
        "api-key": "secret",
        "Cookie": "a=secret",
    }
    with client(tape) as c:
        c.get(upstream + "/cookie", headers=secret)
        c.get(upstream.replace("//", "//user:secret@") + "/plain")
    text = tape.path.read_text()
    assert "secret" not in text
    assert text.count("REDACTED") == 6


def test_a_broken_stream_is_recorded_and_still_raised(upstream, tape):
    with pytest.raises(httpx.RemoteProtocolError):
        get(upstream + "/cut", tape)
    assert "RemoteProtocolError" in tape.entries[0]["_error"]
    assert tape.entries[0]["response"]["content"]["text"] == SSE[0].decode()


def test_a_dead_server_is_recorded_and_still_raised(tape):
    with pytest.raises(httpx.ConnectError), client(tape) as c:
        c.post("http://127.0.0.1:9/v1", json={})
    assert tape.entries[0]["response"]["status"] == 0
    assert "ConnectError" in tape.entries[0]["_error"]


def test_a_client_that_hangs_up_is_recorded(upstream, tape):
    with client(tape) as c, c.stream("GET", upstream + "/endless") as response:
        next(response.iter_raw())
    entry = tape.entries[0]
    assert entry["_error"] == "the client closed the response before its end"
    assert entry["response"]["content"]["text"].startswith(SSE[0].decode())


def test_a_client_that_stops_at_done_has_not_hung_up(upstream, tape):
    """The openai client reads no further than `data: [DONE]`, which is all that the server has to say."""
    with client(tape) as c, c.stream("GET", upstream + "/stream") as response:
        for line in response.iter_lines():
            if line == "data: [DONE]":
                break
    assert tape.entries[0]["_error"] is None


LIMIT = 100_000


@pytest.mark.parametrize("coding", [None, "gzip", "unheard-of"])
def test_the_beginning_of_a_body_longer_than_the_limit_is_kept(tmp_path, coding):
    """The client gets all of it; the tape says how much is missing, and cuts no character in two."""
    text = "".join(f"ö{n}" for n in Random(7).choices(range(10**6), k=50_000))
    raw = gzip.compress(text.encode()) if coding == "gzip" else text.encode()
    headers = {"content-encoding": coding} if coding else {}
    answer = httpx.MockTransport(lambda r: httpx.Response(200, headers=headers, stream=httpx.ByteStream(raw)))
    tape = Tape(tmp_path / "t.tape.jsonl", body_limit=LIMIT)
    transport = RecordingTransport(answer, tape)
    with httpx.Client(transport=transport) as c, c.stream("POST", "http://x/", content=text) as response:
        assert b"".join(response.iter_raw()) == raw
    sent, came = tape.entries[0]["request"], tape.entries[0]["response"]
    assert (sent["bodySize"], came["bodySize"]) == (len(text.encode()), len(raw))
    assert sent["postData"]["_cut"] == len(text.encode()) - LIMIT
    assert came["content"]["_cut"] >= len(raw) - LIMIT
    for kept in (sent["postData"]["text"], came["content"]["text"]):
        assert text.startswith(kept)
        assert LIMIT - 2 < len(kept.encode()) < 2 * LIMIT


def test_a_long_body_is_never_whole_in_memory(tmp_path):
    """Forty megabytes each way, with a limit of one."""
    pieces, size = [b"x" * 2**16] * 640, 640 * 2**16

    def answer(request):
        assert sum(map(len, request.stream)) == size
        return httpx.Response(200, content=iter(pieces))

    tape = Tape(tmp_path / "t.tape.jsonl", body_limit=2**20)
    transport = RecordingTransport(httpx.MockTransport(lambda _: None), tape)
    transport.transport.handle_request = answer  # the mock would read the request at once
    tracemalloc.start()
    with (
        httpx.Client(transport=transport) as c,
        c.stream("POST", "http://x/", content=iter(pieces)) as response,
    ):
        assert sum(map(len, response.iter_raw())) == size
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    entry = tape.entries[0]
    assert entry["request"]["postData"]["_cut"] == entry["response"]["content"]["_cut"] == size - 2**20
    assert peak < 15 * 2**20, f"{peak:,} bytes at the peak"


def test_a_tape_that_keeps_nothing_in_memory_reads_its_file(upstream, tmp_path):
    tape = Tape(tmp_path / "t.tape.jsonl", keep=False)
    get(upstream + "/plain", tape)
    assert tape._records == []
    assert [e["_id"] for e in tape.entries] == [1]


@pytest.mark.parametrize("reporting", [True, False])
def test_a_tape_that_cannot_be_written_is_reported_once_and_fails_no_client(upstream, tmp_path, reporting):
    (tmp_path / "file").write_text("")
    path, reported = tmp_path / "file" / "t.tape.jsonl", []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        tape = Tape(path, report=reported.append) if reporting else Tape(path)
        answers = [get(upstream + "/plain", tape)[0] for _ in range(2)]
    atexit.unregister(tape.close)
    assert answers == [200, 200]
    ours = [warning for warning in warned if warning.category is RuntimeWarning]  # the others are Python's
    (said,) = reported or [str(warning.message) for warning in ours]
    assert str(path) in said
    assert len(reported) == int(reporting)
    assert len(tape.entries) == 2, "the exchanges are kept in memory"


def test_each_exchange_is_on_disk_at_once(upstream, tape):
    for n in (1, 2):
        get(upstream + "/plain", tape)
        head, *lines = map(json.loads, tape.path.read_text().splitlines())
        assert (head["_type"], head["version"]) == ("tape", 1)
        assert [line["_id"] for line in lines] == list(range(1, n + 1))


@pytest.mark.attack(
    "tape",
    "a line of a tape that was cut off, and more recorded after it",
    "only that line is lost and reported",
)
def test_a_line_that_is_cut_off_is_skipped_and_reported(upstream, tape):
    get(upstream + "/plain", tape)
    get(upstream + "/plain", tape)
    tape.path.write_bytes(tape.path.read_bytes()[:-40])
    with pytest.warns(RuntimeWarning, match="line 3 .* is cut off"):
        again = Tape.read(tape.path)
    assert [e["_id"] for e in again.entries] == [1]
    again.add({"_type": "step"})
    with pytest.warns(RuntimeWarning, match="line 3 .* is not a JSON object"):
        assert len(Tape.read(tape.path).steps) == 1, "what is added later has a line of its own"


def test_two_tapes_of_the_same_second_are_two_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Tape().path != Tape().path


SENT = {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"}
CAME = {"status", "statusText", "httpVersion", "cookies", "headers", "content", "redirectURL", "headersSize"}
HAR = {  # the fields that HAR 1.2 requires, by its specification
    "": {"startedDateTime", "time", "request", "response", "cache", "timings"},
    "request": SENT,
    "response": CAME | {"bodySize"},
    "timings": {"send", "wait", "receive"},
}


def test_har_has_all_that_the_format_requires(upstream, tape, tmp_path):
    get(upstream + "/plain?q=1", tape)
    with pytest.raises(httpx.ConnectError):
        get("http://127.0.0.1:9/", tape)
    tape.add({"_type": "step"})
    log = json.loads(tape.export(tmp_path / "t.har").read_text())["log"]
    assert log["version"] == "1.2"
    assert set(log["creator"]) == {"name", "version"}
    assert len(log["entries"]) == 2
    for entry in log["entries"]:
        for part, required in HAR.items():
            assert required <= set(entry[part] if part else entry)
        assert {"size", "mimeType"} <= set(entry["response"]["content"])
        own = {k for k in entry if k not in HAR[""]}
        assert all(k.startswith("_") for k in own), f"custom fields start with an underscore, not {own}"
