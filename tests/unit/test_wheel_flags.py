"""The wheel's command line: every flag that it takes reaches xllamacpp, every other is refused by name."""

import os

import pytest
import xllamacpp

from course.model import wheel


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(b"GGUF")
    return str(path)


def params(model, *flags):
    return wheel.parameters(wheel.parse(["-m", model, *flags]), xllamacpp)


@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        ("-c 512", "n_ctx", 512),
        ("-ngl 3", "n_gpu_layers", 3),
        ("-ngl all", "n_gpu_layers", -2),
        ("-np 2", "n_parallel", 2),
        ("-t 3", "cpuparams.n_threads", 3),
        ("--host 127.0.0.2", "hostnames", ["127.0.0.2"]),
        ("--port 99", "port", 99),
        ("--jinja", "use_jinja", True),
        ("--no-jinja", "use_jinja", False),
        ("--jinja --no-jinja", "use_jinja", False),
        ("--reasoning-format none", "reasoning_format", xllamacpp.common_reasoning_format(0)),
        ("--skip-chat-parsing", "force_pure_content_parser", True),
        ("--metrics", "endpoint_metrics", True),
        ("--props", "endpoint_props", True),
        ("--no-slots", "endpoint_slots", False),
        ("--api-key a,b", "api_keys", ["a", "b"]),
        ("--alias x", "model_alias", {"x"}),
        ("--no-mmproj", "no_mmproj", True),
        ("--kv-unified", "kv_unified", True),
        ("--ctx-checkpoints 0", "n_ctx_checkpoints", 0),
        ("--checkpoint-min-step 64", "checkpoint_min_step", 64),
        ("--verbosity 4", "verbosity", 4),
        ("--spec-type none", "speculative.types", [xllamacpp.common_speculative_type(0)]),
        ("-fa off", "flash_attn_type", xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED),
        ("--flash-attn auto", "flash_attn_type", xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_AUTO),
        ("-ctk q8_0", "cache_type_k", xllamacpp.ggml_type.GGML_TYPE_Q8_0),
        ("-ctv f32", "cache_type_v", xllamacpp.ggml_type.GGML_TYPE_F32),
        ("--reasoning-budget 7", "sampling.reasoning_budget_tokens", 7),
    ],
)
def test_a_flag_reaches_its_setting(model, flags, name, value):
    seen = params(model, *flags.split())
    for part in name.split("."):
        seen = getattr(seen, part)
    assert seen == value


def test_files_are_read(model, tmp_path):
    template = tmp_path / "t.jinja"
    template.write_text("{{ messages }} é", encoding="utf-8")
    made = params(model, "--chat-template-file", str(template), "--lora", model)
    assert made.chat_template == "{{ messages }} é"
    assert [adapter.path for adapter in made.lora_adapters] == [model]


def test_the_name_of_a_saved_slot_goes_behind_its_folder(model, tmp_path):
    assert params(model, "--slot-save-path", str(tmp_path)).slot_save_path == f"{tmp_path}{os.sep}"


def test_it_listens_on_this_machine_only_by_default(model):
    made = params(model)
    assert (made.hostnames, made.port) == (["127.0.0.1"], 8080)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ("--bogus", "unknown flag --bogus"),
        ("-cb", "unknown flag -cb"),
        ("--port=99", "unknown flag --port=99"),
        ("--port", "--port needs a value"),
        ("stray", "stray"),
        ("-hf owner/name", "-hf: this wheel does not download"),
        ("--hf-file x", "--hf-file: this wheel does not download"),
        ("-c", "-c needs a value"),
        ("-c many", "-c needs a whole number, not 'many'"),
        ("--spec-type magic", "--spec-type must be one of draft-"),
        ("--reasoning-format all", "not 'all'"),
        ("-fa maybe", "-fa must be one of on, off, auto, not 'maybe'"),
        ("-ctk q9_0", "not 'q9_0'"),
        ("--slot-save-path nowhere", "--slot-save-path: the folder nowhere"),
        ("--lora nowhere.gguf", "--lora: the file nowhere.gguf"),
        ("--chat-template-file nowhere", "nowhere cannot be read"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(model, capsys, flags, named):
    assert wheel.main(["-m", model, *flags.split()]) == 2
    said = capsys.readouterr().err
    assert named in said
    assert "course doctor" in said


def test_help_lists_every_flag(capsys):
    assert wheel.main(["--help"]) == 0
    said = capsys.readouterr().out
    assert not [flag for flags in (*wheel.SWITCHES, *wheel.VALUES) for flag in flags if flag not in said]
