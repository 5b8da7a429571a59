"""The measurements: what is divided by what, from figures that are given. No server, no clock."""

import json
import time

import pytest

from bench import (
    attention,
    clone,
    crowd,
    layers,
    leopard,
    lessons,
    recorded,
    reprocessed,
    serverlog,
    speculative,
    speed,
    suite,
    tapped,
)
from bench.completion import drawn
from bench.crowd import Crowd, Speed
from bench.plan import BY_NAME, PLAN
from bench.recorded import Run
from bench.reprocessed import Step
from bench.rows import Row, paired, rotated, short, spread
from bench.serverlog import Busy
from bench.setting import flag
from bench.suite import Suite
from course import ROOT
from course.model import tiny
from course.turns import Tokens

LOG = """\
0.00.006.111 I srv          init: loading model
0.00.394.131 I srv          init: model loaded
0.01.273.950 I slot print_timing: id  0 | task 0 | prompt eval time =     391.86 ms /   162 tokens (    2.42 ms per token)
0.01.273.994 I slot print_timing: id  0 | task 0 |        eval time =     480.45 ms /    60 tokens (    8.14 ms per token)
0.01.274.006 I slot print_timing: id  0 | task 0 |       total time =     872.31 ms /   222 tokens
0.01.772.307 I slot print_timing: id  0 | task 61 | prompt eval time =       7.57 ms /     1 tokens (    7.57 ms per token)
0.01.772.356 I slot print_timing: id  0 | task 61 |        eval time =     485.66 ms /    60 tokens (    8.23 ms per token)
"""
JUNIT = """<testsuites><testsuite>
<testcase classname="notebooks.00_welcome.ipynb" name="cell 0" time="1.5"/>
<testcase classname="notebooks.00_welcome.ipynb" name="cell 1" time="0.5">
<skipped type="pytest.skip" message="not applicable: holds for the embedded model only"/></testcase>
<testcase classname="notebooks.05_wire.ipynb" name="cell 0" time="2"/>
<testcase classname="notebooks.05_wire.ipynb" name="cell 1" time="1"><failure message="Cell outputs differ"/></testcase>
<testcase classname="notebooks.05_wire.ipynb" name="cell 2" time="0"><skipped message="not run: cell 1 failed"/></testcase>
</testsuite></testsuites>"""


# ---- rows


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("", 1.0502, "", limit=1.05), True),  # 1.05 as shown
        (Row("", 1.056, "", limit=1.05), False),
        (Row("", 1.0104, "", limit=1.01), True),
        (Row("", 1.0106, "", limit=1.01), False),
        (Row("", 0.81, "", limit=0.8, at_least=True), True),
        (Row("", 0.79, "", limit=0.8, at_least=True), False),
        (Row("", 0.5, ""), None),
        (Row("", None, "", limit=1), None),
    ],
)
def test_a_target_is_judged_by_what_is_shown(row, met):
    assert row.met is met


def test_pairs_are_divided_before_the_median_is_taken():
    """A machine that became slower half way changes both of a pair."""
    assert paired([1.0, 2.0, 20.0], [1.0, 2.0, 10.0]) == 1.0


def test_each_comes_first_in_turn():
    assert [rotated(["a", "b", "c"], round)[0] for round in range(4)] == ["a", "b", "c", "a"]


def test_figures_are_short():
    assert [short(n) for n in (0.056, 3.14159, 31.4159, 3141.59)] == ["0.06", "3.14", "31.4", "3,142"]
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00–3.00)"


# ---- what is divided by what


def test_recording_is_also_compared_with_equal_time_of_the_server():
    """The server was slow in the recorded run: the second ratio does not blame the recorder for it."""
    runs = {
        "plain": [Run(10.0, 9.9, 3, "")],
        "printing": [Run(10.3, 9.9, 3, "")],
        "recorded": [Run(11.0, 10.85, 3, "")],
    }
    as_measured, equal, article = recorded.rows(runs)
    assert as_measured.ratio == pytest.approx(1.1)
    assert equal.ratio == pytest.approx((9.9 + 0.15) / (9.9 + 0.1))
    assert equal.value.startswith("150 ms ÷ 100 ms")
    assert article.ratio == pytest.approx(11 / 10.3)


def test_new_is_what_neither_the_last_prompt_nor_its_answer_began_with():
    before = Step(prompt=[1, 2, 3, 9], generated=[4, 5], processed=4)
    assert reprocessed.new(before, Step([1, 2, 3, 7, 8], [], 2)) == 2, "parts at the opened thought"
    assert reprocessed.new(before, Step([1, 2, 3, 9, 4, 5, 6], [], 1)) == 1, "goes on after the answer"
    assert reprocessed.new(before, Step([1, 2, 3, 9], [], 1)) == 1, "the last token is always processed"


def test_the_first_step_is_not_counted():
    steps = [Step([1, 2], [3], 2), Step([1, 2, 4, 5], [], 2), Step([1, 2, 4, 5, 6], [], 5)]
    assert reprocessed.totals(steps) == (2 + 5, 2 + 1)


def test_only_settings_of_the_course_have_a_target():
    assert [case.what for case in reprocessed.CASES if case.ours] == [
        "embedded model, its template (drops past thinking)",
        "hybrid, the settings of the Qwen3.6 profile",
    ]


def test_a_log_tells_how_long_its_server_was_busy():
    found = serverlog.busy(LOG)
    assert found.loading == pytest.approx(0.394)
    assert found.prompt == pytest.approx(0.39943)
    assert found.generation == pytest.approx(0.96611)
    assert found.requests == 2


def test_logs_are_kept_that_the_course_deletes(tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    with serverlog.Collected(logs, tmp_path / "kept", every=0.01) as collected:
        (logs / "a.log").write_text(LOG)
        end = time.monotonic() + 60
        while not (tmp_path / "kept" / "a.log").exists():
            assert time.monotonic() < end, "the log was not kept"
            time.sleep(0.01)
        (logs / "a.log").unlink()
        (logs / "b.log").write_text(LOG)
    assert collected.busy() == serverlog.busy(LOG) + serverlog.busy(LOG)


def test_the_suite_is_divided_by_the_time_that_servers_were_busy():
    mine = Suite(seconds=130.0, passed=True, busy=Busy(10.0, 40.0, 50.0, 7))
    others = {"nbmake": Suite(missing="nbmake is not installed"), "nbconvert": Suite(65.0, True)}
    first, second, third = suite.rows({"ours": mine, **others}, 10)
    assert (first.ratio, first.met, first.failed) == (1.3, True, False)
    assert (second.ratio, second.value) == (None, "nbmake is not installed")
    assert third.ratio == 2.0


def test_a_suite_that_fails_is_told_beside_its_figure():
    (row,) = suite.rows({"ours": Suite(seconds=5.0, busy=Busy(1.0))}, 10)
    assert row.failed
    assert "it failed" in row.what


def test_llama_bench_gets_the_servers_model_threads_and_layers():
    server = ["llama-server", "-m", "m.gguf", "-c", "8192", "-ngl", "99", "-t", "4"]
    prompt, generation = speed.command("llama-bench", server, 3)
    for command in (prompt, generation):
        assert [flag(command, name) for name in ("-m", "-ngl", "-t", "-r")] == ["m.gguf", "99", "4", "3"]
    assert (flag(prompt, "-p"), flag(prompt, "-n")) == ("2048", "0")
    assert (flag(generation, "-p"), flag(generation, "-n"), flag(generation, "-d")) == ("0", "128", "2048")


def test_llama_benchs_json_is_read_behind_its_other_output():
    said = 'ggml_cuda_init: found 1 device\n[\n  {"n_prompt": 2048, "avg_ts": 812.5}\n]\n'
    assert speed.parse(said) == 812.5
    prompt, generation = speed.rows([400.0, 420.0, 410.0], [90.0], [820.0, 100.0])
    assert (prompt.ratio, generation.ratio) == (0.5, 0.9)


def test_drawn_tokens_differ_and_are_the_same_for_the_same_seed():
    assert len(set(drawn(200, 1))) > 190
    assert drawn(200, 1) == drawn(200, 1) != drawn(200, 2)


def test_a_token_after_many_others_is_compared_with_one_after_few_and_each_kind_with_flash_attention():
    plain, other = (
        attention.Cost(few=10.0, many=40.0, prompt=8.0),
        attention.Cost(few=10.0, many=20.0, prompt=6.0),
    )
    deep, generation, prompt = attention.rows({attention.FLASH: [plain] * 3, "another": [other] * 3})
    assert (deep.ratio, generation.ratio, prompt.ratio) == (4, 0.5, 0.75)
    assert generation.what.startswith("another: generation")


def test_a_servers_first_run_and_its_second_are_compared_each_for_itself():
    def ran(first, again, answer="9.62"):
        return [(Run(first, first, 3, answer), Run(again, again, 3, "9.62"))] * 2

    first, again = attention.whole({attention.FLASH: ran(60.0, 30.0), attention.OURS: ran(45.0, 24.0)})
    assert (first.ratio, again.ratio) == (0.75, 0.8)
    first, again = attention.whole({attention.FLASH: ran(60.0, 30.0, "9.6"), attention.OURS: ran(45.0, 24.0)})
    assert first.failed
    assert not again.failed


def test_a_run_with_speculative_decoding_is_divided_by_one_without_and_fails_if_their_answers_differ():
    plain, drafting = Run(10.0, 9.0, 3, "9.62"), Run(5.0, 4.0, 3, "9.62")
    another = Run(10.0, 9.0, 3, "9.6")
    new, again = speculative.rows(
        {"off": [plain] * 2, "on": [drafting] * 2},
        {"off": [plain, another], "on": [drafting] * 2},
    )
    assert (new.ratio, new.failed) == (0.5, False)
    assert again.failed


def a_crowd(**given) -> Crowd:
    known = {
        "at_once": 2,
        "done": 4,
        "seconds": 60.0,
        "processed": 10_000,
        "generated": 1_200,
        "context": 3000,
    }
    return Crowd(**{**known, **given})


def test_a_crowd_is_compared_with_the_engine_alone_on_as_many_tokens():
    """2 at once, 4 done in 60 s; the engine takes 20 + 20 s for the tokens of 4, so 6 in a minute."""
    (row,) = crowd.rows([a_crowd()], [Speed(prompt=500.0, generation=60.0)], "llama-batched-bench")
    assert row.ratio == pytest.approx(4 / 6)
    assert row.met is False


def test_an_agent_that_failed_is_not_counted_as_done():
    found = a_crowd(failed=1)
    assert found.per_minute == 3
    assert "1 failed" in crowd.rows([found], [Speed(1.0, 1.0)], "x")[0].value


def test_a_crowds_tokens_are_those_processed_and_its_context_all_that_is_attended_to():
    first = Tokens(prompt=2500, cached=0, new=2500, generated=100)
    second = Tokens(prompt=3000, cached=2600, new=400, generated=300)
    found = crowd.counted(1, 9.0, [([first, second], False), ([first, Tokens()], True)])
    assert (found.processed, found.generated, found.failed) == (5400, 500, 1)
    assert found.context == round((2550 + 3150 + 2550) / 3)


def test_crowds_double_and_every_agent_has_its_own_question():
    assert crowd.sizes(32) == [1, 2, 4, 8, 16, 32]
    assert crowd.sizes(48) == [1, 2, 4, 8, 16, 32]
    assert len(set(crowd.questions(64))) == 64
    assert crowd.questions(64)[:8] == crowd.questions(8)


def test_batched_benchs_last_line_counts():
    lines = ({"pl": n, "speed_pp": 300.0 * n, "t_tg": 2.0, "speed_tg": 50.0 * n} for n in (1, 2))
    assert crowd.parse("load: ok\n" + "\n".join(map(json.dumps, lines))) == Speed(600.0, 100.0)


def test_the_gpu_is_as_many_times_faster():
    cpu = {"leopard": 13.0, "start": 1.0, "prompt": 300.0, "generation": 50.0, "answered": 1.0}
    gpu = {"leopard": 1.3, "start": 2.0, "prompt": 30000.0, "generation": 500.0, "answered": 1.0}
    assert [row.ratio for row in layers.rows(cpu, gpu)] == pytest.approx([10, 0.5, 100, 10])


SETUP = [
    (2.0, "setup: creating a virtual environment in .venv"),
    (5.0, "setup: installing up to 150 locked packages (30 seconds to 2 minutes)"),
    (6.0, "setup: 20 of 150 packages installed (5 s)"),
    (35.0, "building the embedded model (once, about 10 seconds) …"),
    (45.0, clone.SERVER),
    (48.0, clone.ANSWER),
]


def test_a_step_of_the_clone_lasts_until_the_next_one_begins():
    found = clone.steps(SETUP, 60.0)
    assert [seconds for _, seconds in found] == [2.0, 3.0, 30.0, 10.0, 3.0, 12.0]
    made = clone.rows(found, 60.0, 10.4)
    assert sum(row.ratio or 0 for row in made) == pytest.approx(1)
    assert made[0].value == "2.0 s from a disk, 10 MB"
    assert made[-1].value == "60.0 s"


def test_a_step_that_prints_something_else_is_not_counted_for_the_one_before():
    with pytest.raises(ValueError, match="building the embedded model"):
        clone.steps([line for line in SETUP if "model" not in line[1]], 60.0)


def test_the_steps_of_the_clone_are_told_by_what_the_set_up_prints():
    printed = "".join((ROOT / name).read_text() for name in ("bootstrap.py", "course/model/embedded.py"))
    marks = [mark.removeprefix("setup: ") for mark, _ in clone.MARKS if not mark.startswith("──")]
    assert [mark for mark in marks if mark not in printed] == []


def test_each_measurement_has_a_table_of_its_own():
    assert len(BY_NAME) == len({one.title for one in PLAN}) == len(PLAN)
    assert all(one.about.endswith(".") for one in PLAN)


def test_lessons_are_counted_by_notebook_and_a_failure_is_one(tmp_path):
    report = tmp_path / "junit.xml"
    report.write_text(JUNIT)
    whole, welcome, wire = lessons.rows(lessons.counted(report))
    assert (welcome.ratio, welcome.failed) == (1.0, False)
    assert welcome.value == "1 passed, 1 not applicable; 2 s"
    assert (wire.failed, wire.value) == (True, "1 passed, 1 failed, 1 not run; 3 s")
    assert whole.failed


def test_the_random_hybrid_has_each_tensor_once_and_three_recurrent_layers_to_one():
    names = tiny.tensors(100)
    assert sum("ssm_out" in name for name in names) == 6
    assert sum("attn_q.weight" in name for name in names) == 2
    assert names["blk.0.attn_qkv.weight"] == (2 * 2 * 32 + 128, 64)


def test_a_thought_opens_and_ends_with_one_token_each():
    tokens, types = tiny.with_thinking(["a", "<issue_start>", "<issue_closed>", "b"], [1, 3, 3, 1])
    assert tokens == ["a", "<think>", "</think>", "b"]
    assert types == [1, 4, 4, 1]


def test_the_taps_own_figures_become_rows():
    case = {
        "case": "a short question",
        "until": "the end",
        "direct_ms": 1.0,
        "tapped_ms": 2.5,
        "more_ms": 1.5,
    }
    (row,) = tapped.rows([{**case, "ratio": 2.5}])
    assert (row.ratio, row.value) == (2.5, "2.5 ms ÷ 1.0 ms: 1.5 ms more")


def test_the_leopard_run_is_told_beside_its_goal():
    def runs(*seconds: float, answer: str = "9.62") -> list[Run]:
        return [Run(one, one, 2, answer) for one in seconds]

    met, missed = leopard.rows({"warm": runs(9, 12, 30), "cold": runs(12.1)})
    assert (met.met, missed.met) == (True, False)
    assert met.value == "12.0 (9.00–30.0) s ÷ 12 s, 3 runs of 2 steps"
    assert not met.failed
    assert all(row.failed for row in leopard.rows({"a": runs(9), "b": runs(9, answer="9.61")}))
