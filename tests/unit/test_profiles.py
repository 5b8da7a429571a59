"""Profiles: what is sent to the server is what the profile and the changes say."""

from importlib.resources import files
from itertools import pairwise

import pytest
import xllamacpp

from course.errors import CourseError
from course.model import profiles, wheel

ARTICLE = "-hf unsloth/Qwen3.6-35B-A3B-GGUF --hf-file Qwen3.6-35B-A3B-UD-Q4_K_M.gguf -ngl 99 -c 65536 --jinja"


def flags(name, model=None, **changes):
    return [part for group in profiles.flag_groups(profiles.load(name), changes, model) for part in group]


@pytest.mark.parametrize("name", profiles.names())
def test_every_profile_loads_and_says_what_was_verified(name):
    profile = profiles.load(name)
    assert profile.needs
    assert profile.verified
    assert profile.sampling["max_tokens"] > 0


def test_only_the_embedded_profile_promises_the_same_text():
    assert [name for name in profiles.names() if profiles.load(name).deterministic] == ["embedded"]


def test_the_blog_posts_profile_has_every_flag_of_the_post():
    given = flags("qwen3.6-35b-a3b")
    pairs = dict(pairwise(given))
    words = ARTICLE.split()
    for flag, value in zip(words, [*words[1:], ""], strict=True):
        if flag.startswith("-"):
            assert flag in given, f"{flag} is missing in {given}"
            assert value.startswith("-") or not value or pairs[flag] == value


def test_a_change_replaces_the_profiles_flag():
    given = flags("qwen3.6-35b-a3b", jinja=False, ctx_checkpoints=0)
    assert "--jinja" not in given
    assert given.count("--ctx-checkpoints") == 1
    assert given[given.index("--ctx-checkpoints") + 1] == "0"


def test_context_of_a_change_wins():
    given = flags("embedded", "m.gguf", context=512)
    assert given[given.index("-c") + 1] == "512"


def test_a_switch_that_is_off_becomes_a_flag_only_if_there_is_one():
    assert "--no-jinja" in flags("embedded", "m.gguf", jinja=False)
    assert not [flag for flag in flags("embedded", "m.gguf", metrics=False) if "metrics" in flag]


def test_extra_flags_come_last_and_unchanged():
    assert flags("embedded", "m.gguf", extra=["--verbose-prompt", 1])[-2:] == ["--verbose-prompt", "1"]


@pytest.mark.parametrize(("allowed", "threads"), [(1, "1"), (2, "2"), (4, "2"), (16, "8")])
def test_the_embedded_server_uses_half_of_its_cores_but_both_of_two(monkeypatch, allowed, threads):
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(allowed)), raising=False)
    given = flags("embedded")
    assert given[given.index("-t") + 1] == threads


def test_a_machine_with_many_servers_says_how_many_threads_each_may_have(monkeypatch):
    monkeypatch.setenv("COURSE_THREADS", "1")
    assert profiles.threads() == 1
    for wrong in ("0", "all", "-2", "1.5"):
        monkeypatch.setenv("COURSE_THREADS", wrong)
        with pytest.raises(CourseError, match="COURSE_THREADS is"):
            profiles.threads()


def test_unknown_profile_names_the_valid_ones():
    with pytest.raises(CourseError, match=r"'quen'.*embedded, .*qwen3.6-35b-a3b"):
        profiles.load("quen")


def test_unknown_change_names_the_nearest():
    with pytest.raises(CourseError, match=r"reasoning_formt.*Did you mean reasoning_format"):
        flags("embedded", reasoning_formt="none")


def test_the_environment_picks_the_profile(monkeypatch):
    monkeypatch.setenv("PROFILE", "qwen3-4b")
    assert profiles.load().name == "qwen3-4b"


def test_a_foreign_model_is_never_called_deterministic():
    profile = profiles.served(profiles.load("embedded"), named=True, model="gpt-x")
    assert (profile.deterministic, profile.model_id) == (False, "gpt-x")


def test_an_attached_server_is_recognized_by_its_model():
    embedded = profiles.load("embedded")
    assert profiles.served(embedded, named=False, model="qwen3.6-35b-a3b").name == "qwen3.6-35b-a3b"
    assert profiles.served(embedded, named=False, model="gpt-x").name == "attached"


@pytest.mark.parametrize("name", profiles.names())
def test_every_flag_of_a_profile_exists_in_the_build_of_the_wheel(name, tmp_path):
    """Where the weights come from aside: that the wheel does not download is said in the profile."""
    model = tmp_path / "m.gguf"
    model.write_bytes(b"GGUF")
    settings = wheel.parse(flags(name, str(model)))
    made = wheel.parameters(settings, xllamacpp)
    assert made.n_ctx == profiles.load(name).context


def test_every_flag_of_the_blog_posts_profile_is_explained_above_it():
    """A comment before each flag, or before the group that it stands in."""
    text = (files("course.model") / "profiles.toml").read_text(encoding="utf-8")
    table = text.partition('["qwen3.6-35b-a3b"]')[2].partition("\n[")[0]
    explained, seen = False, []
    for line in map(str.strip, table.partition("flags = [")[2].partition("]\n")[0].splitlines()):
        if line.startswith("#"):
            explained = True
        elif line.startswith('"--'):
            seen.append(line.split('"')[1])
            assert explained, f"nothing is said of {line}"
            explained = line == '"--metrics",'  # the two read-outs are explained together
    assert seen == [part for part in profiles.load("qwen3.6-35b-a3b").flags if part.startswith("--")]
