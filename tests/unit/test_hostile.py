"""The hostile suite: harmless by construction, whole headers, and a judge that believes what was observed."""

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


@pytest.fixture(params=ATTEMPTS, ids=NAMES)
def attempt(request):
    return request.param


def code_of(attempt):
    """The program without its docstring."""
    tree = ast.parse(attempt.code)
    return ast.unparse(ast.Module(tree.body[1:], []))


def test_there_are_at_least_sixty():
    assert len(ATTEMPTS) >= 60


@pytest.mark.parametrize(
    "area", ["files", "write", "root", "install", "take", "net", "kernel", "walk", "inject"]
)
def test_every_area_is_tried(area):
    assert sum(name.startswith(f"{area}_") for name in NAMES) >= 4


def test_it_aims_at_loopback_or_at_what_the_test_names(attempt):
    """No address, no name of a computer and no path of a secret is in a program; `target` has them."""
    code = code_of(attempt)
    assert set(re.findall(r"\d+\.\d+\.\d+\.\d+", code)) <= {"127.0.0.1", "0.0.0.0"}
    assert not re.search(r"https?://(?!\{target|127\.0\.0\.1|'? ?\+ ?target)", code)
    assert not re.search(r"\b[a-z0-9-]+\.(com|org|net|io|local|internal)\b", code)
    assert not re.search(r"/home/|/root/|docker\.sock", code)


def test_what_takes_resources_says_how_much(attempt):
    if attempt.slug.startswith("take_"):
        assert re.search(r"\d|second", attempt.bound), "no Bound:"


def test_it_is_short(attempt):
    assert len(code_of(attempt).splitlines()) <= 30


def test_a_header_that_is_not_whole_is_refused(tmp_path):
    path = tmp_path / "x.py"
    path.write_text('"""Title.\n\nAttempts:  x\nProof:     printed\n"""\n')
    with pytest.raises(ValueError, match=r"without \['Executor', 'Host'"):
        read(path)


def test_nothing_is_aimed_at_outside_of_a_network_of_the_tests_own(tmp_path):
    with pytest.raises(RuntimeError, match="in a network namespace of their own only"):
        StandIns(tmp_path, 61000)


# ---- the judge


def test_a_prediction_names_the_layer_and_its_signs():
    made = predict("read-only root (EROFS, EACCES)")
    assert (made.layer, made.signs, made.through) == ("read-only root", {"EROFS", "EACCES"}, False)
    assert predict("import rule").signs == {"import rule"}
    assert predict("lets it through: as it should").layer == "as it should"
    with pytest.raises(ValueError, match="wants a reason"):
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


def test_another_layer_than_the_predicted_is_told():
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


def test_the_readme_counts_the_programs():
    readme = (suite.OUTCOMES.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"put to the test: {len(ATTEMPTS)}\nprograms" in readme


def test_everything_that_gets_through_is_named_in_the_threat_model(outcomes):
    readme = (suite.OUTCOMES.parents[1] / "README.md").read_text(encoding="utf-8")
    assert report.put(readme, report.section(ATTEMPTS, outcomes)) == readme, "anew:  make hostile"
    for attempt in ATTEMPTS:
        for way in suite.WAYS:
            if outcomes[attempt.slug][way]["through"]:
                assert f"**{attempt.title}**: {attempt.predictions[way].layer}" in readme


def test_the_front_page_has_the_numbers_and_points_to_the_list(outcomes):
    readme = (suite.OUTCOMES.parents[2] / "README.md").read_text(encoding="utf-8")
    text, through = " ".join(readme.split()), report.counts(outcomes)
    assert f"{len(ATTEMPTS)} small programs, each run three ways" in text
    assert f"With LocalPythonExecutor alone {through['executor']} of them get through" in text
    assert f"on the host's network, the article's choice, {through['host']} get through" in text
    assert f"On the socket, the default here, {through['socket']} get through" in text
    secrets = [a.slug for a in ATTEMPTS if a.proof[0] == "canary" and outcomes[a.slug]["executor"]["through"]]
    assert len(secrets) == 3, secrets
    loopback = [slug for slug in outcomes if slug.startswith("net_loopback")]
    assert all(outcomes[slug]["host"]["through"] for slug in loopback)
    assert "](docker/README.md#threat-model)" in readme


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
