"""The program of the measurements: which it runs, the files it keeps, the tables it writes. No server, no clock."""

import importlib
import json
import os
import sys

import pytest

from bench import __main__ as program
from bench import clone, machine, store, tables
from bench.plan import BY_HAND, NAMES, PLAN
from bench.rows import NotMeasured, Row
from bench.setting import Setting

MACHINE = {"cpu": "A CPU", "cores": 2, "memory_gib": 8, "gpu": None, "system": "Linux", "python": "3.11.9"}


@pytest.fixture
def setting(tmp_path):
    return Setting(folder=tmp_path, say=lambda _: None)


def test_a_file_is_named_after_the_gpu_or_the_processor_and_the_engine():
    gpu = machine.parse_gpu("NVIDIA H200, 143771 MiB, 580.159.03\n")
    assert gpu == {"name": "NVIDIA H200", "memory": "143771 MiB", "driver": "580.159.03"}
    assert machine.name({**MACHINE, "gpu": gpu}, "binary") == "gpu-nvidia-h200-binary"
    assert machine.name(MACHINE, "wheel") == "cpu-2-cores-a-cpu"
    assert machine.name({**MACHINE, "cpu": "Xeon(R) W"}, "binary") == "cpu-2-cores-xeon-w-binary"
    assert machine.parse_gpu("No devices were found") is None


def test_a_result_replaces_its_own_and_keeps_the_others(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(
        json.dumps({"machine": MACHINE, "measurements": {"crowd": {"n": 1}, "reprocessed": {"n": 1}}})
    )
    store.add(path, "recorded", {"n": 1})
    assert store.add(path, "crowd", {"n": 2})["measurements"] == json.loads(path.read_text())["measurements"]
    kept = json.loads(path.read_text())["measurements"]
    assert kept == {"recorded": {"n": 1}, "reprocessed": {"n": 1}, "crowd": {"n": 2}}
    assert list(kept) == ["recorded", "reprocessed", "crowd"], "in the order of the plan"


@pytest.mark.parametrize(("failed", "good"), [(False, True), (True, False)])
def test_a_run_writes_each_result_and_tells_of_a_failure(tmp_path, setting, failed, good):
    class Module:
        measure = staticmethod(lambda _: [Row("a ÷ b", 1.5, "3 ÷ 2", limit=1.3, failed=failed)])

    said = []
    assert (
        program.run(["crowd", "recorded"], tmp_path / "r.json", setting, said.append, lambda _: Module)
        is good
    )
    found = json.loads((tmp_path / "r.json").read_text())["measurements"]
    assert list(found) == ["recorded", "crowd"]
    assert found["crowd"]["rows"][0]["ratio"] == 1.5
    assert "   a ÷ b  1.50  ≤ 1.3: missed  3 ÷ 2" in said


def test_a_step_of_the_clone_that_fails_ends_it_with_its_last_lines(tmp_path):
    said = [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"]
    with pytest.raises(NotMeasured, match=r"ended with status 3:\none\ntwo"):
        clone.follow(said, tmp_path, dict(os.environ), 0.0)


def test_what_this_machine_lacks_is_stored_with_the_reason(setting):
    class Module:
        @staticmethod
        def measure(setting: Setting) -> list[Row]:
            raise NotMeasured("there is no GPU")

    record = program.measured(PLAN[0], setting, lambda _: Module)
    assert record["not_measured"] == "there is no GPU"
    assert "rows" not in record


def test_every_measurement_of_the_plan_can_be_asked_for():
    assert all(callable(importlib.import_module(one.module).measure) for one in PLAN)
    assert program.arguments([]).names == [name for name in NAMES if name not in BY_HAND]


def test_a_measurement_that_does_not_exist_is_refused(capsys):
    with pytest.raises(SystemExit):
        program.arguments(["recorded", "speeed"])
    error = capsys.readouterr().err
    assert "speeed" in error
    assert "speed, attention" in error


RECORD = {
    "date": "2026-11-23",
    "commit": "abc",
    "build": "b11549, wheel",
    "rows": [
        {"what": "a | b", "ratio": 1.004, "value": "1 ÷ 2", "limit": 1.01},
        {"what": "c", "ratio": 1.9, "value": "", "limit": 1.3},
        {"what": "d", "ratio": None, "value": "3 s"},
    ],
}


def test_a_table_tells_the_target_and_whether_it_was_met():
    made = tables.table("recorded", RECORD)
    assert "| a \\| b | 1.004 | ≤ 1.01: met | 1 ÷ 2 |" in made
    assert "| c | 1.90 | ≤ 1.3: **missed** |  |" in made
    assert "| d |  |  | 3 s |" in made


def test_a_section_names_machine_build_and_what_was_not_measured():
    missing = {**RECORD, "not_measured": "llama-bench is missing"}
    made = tables.rendered([{"machine": MACHINE, "measurements": {"recorded": RECORD, "speed": missing}}])
    assert "### 2 cores of A CPU, 8 GiB, Linux, Python 3.11.9" in made
    assert "llama.cpp b11549, wheel, commit abc, 2026-11-23." in made
    assert "Not measured here: llama-bench is missing." in made


def test_two_engines_on_one_machine_share_a_heading(tmp_path):
    for stem, build in (("m", "b2, wheel"), ("m-binary", "b1, binary")):
        record = {**RECORD, "build": build}
        text = json.dumps({"machine": MACHINE, "measurements": {"recorded": record}})
        (tmp_path / f"{stem}.json").write_text(text, encoding="utf-8")
    made = tables.rendered(tables.results(tmp_path))
    assert made.count("### ") == 1
    assert made.index("llama.cpp b2, wheel") < made.index("llama.cpp b1, binary")


def test_the_pages_tables_are_those_of_the_data(capsys):
    assert tables.main(["--check"]) == 0, capsys.readouterr().out
