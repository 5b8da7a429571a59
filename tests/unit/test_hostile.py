"""The hostile suite: harmless by construction, complete headers, judged by what was observed."""

import ast
import json
import os
import re
import socket

import pytest

from hostile import report, suite
from hostile.standins import Small, StandIns
from hostile.suite import Seen, judge, load, predict, read, sign

ATTEMPTS = load()
NAMES = [attempt.slug for attempt in ATTEMPTS]


def code_of(attempt):
    """The program without its docstring."""
    tree = ast.parse(attempt.code)
    return ast.unparse(ast.Module(tree.body[1:], []))


def programs_where(wrong):
    """The names of the programs for which `wrong` holds."""
    return [attempt.slug for attempt in ATTEMPTS if wrong(attempt)]


def test_every_area_is_tried_several_ways():
    areas = ("files", "write", "root", "install", "take", "net", "kernel", "walk", "inject")
    tried = {area: sum(name.startswith(f"{area}_") for name in NAMES) for area in areas}
    assert min(tried.values()) >= 4, tried


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (r"\b(?!(?:127\.0\.0\.1|0\.0\.0\.0)\b)\d+\.\d+\.\d+\.\d+", "connect('8.8.8.8')"),
        (r"https?://(?!\{target|127\.0\.0\.1|'? ?\+ ?target)", "get('http://intranet/')"),
        (r"\b[a-z0-9-]+\.(com|org|net|io|local|internal)\b", "connect('example.com')"),
        (r"/home/|/root/|docker\.sock", "open('/root/.ssh/id_rsa')"),
    ],
    ids=["address", "url", "name of a computer", "path of a secret"],
)
def test_a_program_names_no_aim_itself(pattern, example):
    """Whatever is aimed at comes in `target`, from the test: loopback, or a stand-in."""
    assert re.search(pattern, example)
    assert programs_where(lambda attempt: re.search(pattern, code_of(attempt))) == []


def test_a_program_is_short_enough_to_be_read():
    assert programs_where(lambda attempt: len(code_of(attempt).splitlines()) > 30) == []


def test_what_takes_resources_says_how_much():
    unbounded = programs_where(lambda a: a.slug.startswith("take_") and not re.search(r"\d|second", a.bound))
    assert unbounded == [], "no Bound:"


def test_an_incomplete_header_is_an_error(tmp_path):
    path = tmp_path / "x.py"
    path.write_text('"""Title.\n\nAttempts:  x\nProof:     printed\n"""\n')
    with pytest.raises(ValueError, match=r"without \['Executor', 'Host'"):
        read(path)


def test_nothing_is_aimed_at_outside_of_a_network_of_the_tests_own(tmp_path):
    with pytest.raises(RuntimeError, match="only in a network namespace of their own"):
        StandIns(tmp_path, 61000)


# ---- the judge


def test_a_prediction_names_the_layer_and_its_signs():
    made = predict("read-only root (EROFS, EACCES)")
    assert (made.layer, made.signs, made.through) == ("read-only root", {"EROFS", "EACCES"}, False)
    assert predict("import rule").signs == {"import rule"}
    assert predict("lets it through: as it should").layer == "as it should"
    with pytest.raises(ValueError, match="needs a reason"):
        predict("lets it through")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (Seen("", {"type": "OSError", "errno": "EROFS", "text": ""}), "EROFS"),
        (Seen("", {"type": "KeyError", "errno": None, "text": ""}), "KeyError"),
        (Seen("", None), "nothing"),
        (Seen("", None, 137, ended=False), "KILLED"),
        (Seen("", None, 0, ended=False), "ENDED"),
        (Seen("", None, 124, ended=False, late=True), "TIME"),
        (
            Seen("", {"type": "InterpreterError", "text": "Import of os is not allowed. Authorized …"}),
            "import rule",
        ),
        (
            Seen(
                "",
                {"type": "InterpreterError", "text": "Code execution failed at line 'x' due to: OSError: no"},
            ),
            "OSError",
        ),
    ],
)
def test_the_sign_is_the_same_in_each_run(seen, expected):
    assert sign(seen) == expected


def by_name(name):
    return ATTEMPTS[NAMES.index(name)]


def test_a_secret_counts_only_when_its_text_came_out():
    attempt = by_name("files_ssh_key")
    assert not judge(attempt, "socket", Seen("GOT the key, really"))["through"]
    got = judge(attempt, "socket", Seen("…", canaries=frozenset({"ssh"})))
    assert got["through"]
    assert not got["predicted"]


def test_a_message_counts_only_when_the_stand_in_heard_it():
    attempt = by_name("net_out_by_dns")
    assert not judge(attempt, "host", Seen("GOT it out"))["through"]
    assert judge(attempt, "host", Seen("", heard=frozenset({"dns"})))["through"]


def test_a_layer_that_was_not_predicted_is_reported():
    attempt = by_name("write_etc")
    outcome = judge(attempt, "socket", Seen("", {"type": "OSError", "errno": "ENOSPC", "text": ""}))
    assert outcome == {
        "through": False,
        "by": "not as predicted: ENOSPC",
        "sign": "ENOSPC",
        "predicted": False,
    }
    assert suite.unexpected({"write_etc": {"socket": outcome}}) == [
        "write_etc, container, socket: stopped (ENOSPC)"
    ]


# ---- what is committed


@pytest.fixture(scope="module")
def outcomes():
    return json.loads(suite.OUTCOMES.read_text(encoding="utf-8"))["outcomes"]


def test_the_committed_outcomes_are_those_of_the_programs(outcomes):
    assert sorted(outcomes) == sorted(NAMES)
    assert all(set(ways) == set(suite.WAYS) for ways in outcomes.values())
    assert suite.unexpected(outcomes) == []


def test_on_the_socket_nothing_gets_out(outcomes):
    """What gets through there reads no canary, and reaches nobody but the model."""
    reached = [
        attempt.slug
        for attempt in ATTEMPTS
        if outcomes[attempt.slug]["socket"]["through"] and attempt.proof[0] != "printed"
    ]
    assert reached == ["net_model_of_others", "net_model_past_the_tape"]


def test_everything_that_gets_through_is_in_the_threat_model_with_its_reason(outcomes):
    made = report.section(ATTEMPTS, outcomes)
    for attempt in ATTEMPTS:
        for way in suite.WAYS:
            if outcomes[attempt.slug][way]["through"]:
                assert f"**{attempt.title}**: {attempt.predictions[way].layer}" in made


def test_the_paragraph_has_the_counts(outcomes):
    counted = [len(ATTEMPTS), *report.counts(outcomes).values()]
    said = [int(number) for number in re.findall(r"\b\d+\b", report.paragraph(ATTEMPTS, outcomes))]
    assert [number for number in counted if number not in said] == []


def test_the_paragraph_says_all_only_if_all_get_through(outcomes):
    reaching = [slug for slug in outcomes if slug.startswith("net_loopback")]
    assert f"all {len(reaching)} that reach" in report.paragraph(ATTEMPTS, outcomes)
    stopped = {**outcomes, reaching[0]: {way: {"through": False} for way in suite.WAYS}}
    assert f"{len(reaching) - 1} of the {len(reaching)} that reach" in report.paragraph(ATTEMPTS, stopped)


def test_the_stand_ins_of_a_lesson_name_nothing_outside_of_this_computer(tmp_path):
    """And a program that wants such an address finds none."""
    stand = Small(tmp_path, os.getuid())
    try:
        target = stand.target("token", "host")
        assert not {"outside", "metadata", "resolver", "web", "dns", "udp"} & target.keys()
        inet = [at for at in stand._sockets if at.family == socket.AF_INET]
        assert {at.getsockname()[0] for at in inet} == {"127.0.0.1"}
    finally:
        stand.stop()
