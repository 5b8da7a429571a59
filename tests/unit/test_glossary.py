"""The glossary: each term can be linked to, on GitHub and in JupyterLab, and each lesson's links lead to a term."""

import re

import pytest

from authoring import glossary

PAGE = glossary.PAGE.read_text(encoding="utf-8")
ASKED_FOR = """token, chat template, special token, context window, KV cache, prompt cache, prompt processing, generation,
sampling, temperature, stop sequence, reasoning, tool call, observation, step, turn, exchange, tape, slot, quantization,
container, namespace, seccomp, agent, CodeAgent, system prompt, server-sent events, grammar, LoRA adapter"""


def slug(heading):
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_heading_is_a_term_with_its_own_anchor():
    """The explicit anchor, which JupyterLab needs, is the one that GitHub would derive."""
    terms = glossary.terms(PAGE)
    assert list(terms.values()) == re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert list(terms) == [slug(name) for name in terms.values()]
    assert len(set(terms)) == PAGE.count("<a id="), "an anchor occurs twice"


def test_the_terms_that_a_first_time_learner_missed_are_explained():
    wanted = {slug(" ".join(name.split())) for name in ASKED_FOR.split(",") if name.strip()}
    wanted = {anchor.strip("-") for anchor in wanted}
    assert wanted - set(glossary.terms(PAGE)) == set()


def test_the_terms_are_in_alphabetical_order():
    names = [name.lower() for name in glossary.terms(PAGE).values()]
    assert names == sorted(names)


def test_the_links_between_terms_lead_to_one():
    found = set(re.findall(r"\]\(#([\w-]+)\)", PAGE))
    assert found
    assert found - set(glossary.terms(PAGE)) == set()


@pytest.mark.parametrize("source", sorted(glossary.SOURCES.glob("*.py")), ids=lambda path: path.stem)
def test_a_lessons_links_lead_to_a_term(source):
    linked = glossary.links(source.read_text(encoding="utf-8"))
    assert [anchor for anchor in linked if anchor not in glossary.terms(PAGE)] == []


def test_a_word_belongs_to_the_first_lesson_that_links_it():
    link = "(../docs/glossary.md#{})".format
    sources = {"00_a": link("token") + link("token"), "01_b": link("token") + link("slot") + link("unknown")}
    found = glossary.by_lesson(["slot", "tape", "token"], sources)
    assert found == {"00_a": ["token"], "01_b": ["slot"], "": ["tape"]}
