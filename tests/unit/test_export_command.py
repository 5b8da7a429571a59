"""The command `course export`, with a real collector."""

import json

import pytest
from typer.testing import CliRunner

from course.cli import app
from course.errors import CourseError
from course.export import sending
from course.export.otlp import traces
from course.tape import Tape
from course.turns import turns
from support.exported import agent_run
from support.spans import plain
from support.upstream import Handler, serving


@pytest.fixture
def run():
    return agent_run()


class Collector(Handler):
    """Takes traces as Phoenix does, or refuses them."""

    def on_v1(self, body, rest):
        if self.headers.get("Content-Type") != "application/x-protobuf":
            return self.whole(b"Unsupported content type", status=415)
        self.whole(b"")

    def on_full(self, body, rest):
        self.send_response(200)
        answer = b"\x0a\x06\x08\x02\x12\x02no"
        for name, value in (("Content-Type", "application/x-protobuf"), ("Content-Length", len(answer))):
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(answer)


@pytest.fixture
def collector():
    with serving(Collector) as server:
        yield server


@pytest.fixture
def tape(run, tmp_path):
    made = Tape(tmp_path / "leopard.tape.jsonl")
    for record in run:
        made.add(record)
    return made.path


def export(*arguments):
    return CliRunner().invoke(app, ["export", *(str(a) for a in arguments)])


def test_the_command_writes_both_formats(tape, tmp_path):
    done = export(tape, "--otlp", tmp_path / "a.json", "--har", tmp_path / "a.har")
    assert done.exit_code == 0, done.output
    exported = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert len(exported["resourceSpans"][0]["scopeSpans"][0]["spans"]) == 10
    named = {a["key"]: plain(a["value"]) for a in exported["resourceSpans"][0]["resource"]["attributes"]}
    assert named["openinference.project.name"] == "leopard"
    assert len(json.loads((tmp_path / "a.har").read_text(encoding="utf-8"))["log"]["entries"]) == 3


def test_the_command_sends_every_span_and_says_how_many(tape, collector, monkeypatch):
    monkeypatch.setenv("MY_KEY", "s3cret")
    done = export(tape, "--endpoint", collector.url, "--project", "mine", "--key-env", "MY_KEY")
    assert done.exit_code == 0, done.output
    assert "10 spans sent" in done.output
    assert "project mine" in done.output
    ((_, path, headers, body),) = collector.seen
    assert path == "/v1/traces"
    assert dict(headers)["Authorization"] == "Bearer s3cret"
    (made,) = [b for _, b in sending.batches(traces(turns(Tape.read(tape).records()), "mine"))]
    assert body == made


@pytest.mark.attack(
    "tape",
    "course export to a collector on this computer, with HTTP_PROXY set",
    "the proxy gets nothing",
    fell=2,
)
@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_collector_on_this_computer_is_reached_past_the_proxy(tape, collector, monkeypatch, variable):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(Collector) as proxy:
        monkeypatch.setenv(variable, proxy.url)
        done = export(tape, "--endpoint", collector.url)
        assert proxy.seen == [], f"{len(proxy.seen)} requests went to the proxy"
    assert done.exit_code == 0, done.output
    assert len(collector.seen) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "no format was named"),
        (["--endpoint", "ftp://x"], "--endpoint"),
        (["--endpoint", "http://127.0.0.1:9"], "no collector answers at http://127.0.0.1:9/v1/traces"),
        (["--otlp", "x.json", "--key-env", "NOT_SET"], "NOT_SET is not set"),
    ],
)
def test_what_cannot_be_exported_is_said_in_words(tape, options, said):
    done = export(tape, *options)
    assert done.exit_code == 1, done.output
    assert said in done.output


@pytest.mark.parametrize(
    ("path", "said"), [("/status/503", "answered 503"), ("/full", "refused 2 spans: no")]
)
def test_a_collector_that_does_not_take_them_is_named(run, collector, path, said):
    with pytest.raises(CourseError, match=said):
        sending.send(traces(turns(run), "p"), collector.url + path)


@pytest.mark.parametrize("option", ["--otlp", "--har"])
def test_the_tape_is_never_overwritten(tape, option):
    before = tape.read_bytes()
    done = export(tape, option, tape)
    assert (done.exit_code, "the tape itself" in done.output) == (1, True)
    assert tape.read_bytes() == before
