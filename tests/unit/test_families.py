"""The tasks that the model is measured on share nothing with those it was trained on, and every script is right."""

import random
import re
from collections import Counter
from itertools import pairwise

import pytest

from course.tools import corpus
from course.tools.figures import MostFrequentFigure
from training import traces
from training.families import (
    ALL,
    DECK,
    FAMILIES,
    archives,
    card,
    chat,
    compare,
    documents,
    inventions,
    layouts,
    measured,
    phrasings,
    planted,
    results,
    speed,
    wishes,
)
from training.families.entities import article, held_out
from training.families.pages import Web, topic
from training.tasks import states

STOPS = ("Observation:", "Calling tools:", "</code>", "<code>", "<tool_call>")
DRAWS = 25


@pytest.fixture(scope="module")
def render():
    return traces.renderer()


@pytest.fixture(scope="module")
def runs(render):
    """{(family, training): [(task, samples)]}, each driven through the real framework."""
    made = {}
    for family, draw in ALL.items():
        for training in (True, False):
            rng = random.Random(11)
            tasks = [draw(rng, training) for _ in range(DRAWS)]
            made[family, training] = [(task, traces.agent_samples(task, render)) for task in tasks]
    return made


def real() -> set[str]:
    return {row["name"] for table in ("animals", "places") for row in corpus.rows(table)}


def everything(pairs) -> str:
    return "\n".join(s.prompt.split("Now Begin!")[-1] + s.completion for _, samples in pairs for s in samples)


def test_no_held_out_entity_is_trained_on(runs):
    """Looked for in all that is trained on, not only in the questions."""
    hidden = sorted((name for name in real() if held_out(name)), key=len)
    known = [name for name in real() if not held_out(name)]
    text = everything(pair for (_, training), pairs in runs.items() if training for pair in pairs)
    for name in known:  # "lion" is in "sea lion"
        text = text.replace(name, "")
    found = [
        name for name in hidden if re.search(rf"\b(?:the|a|an|over|of|through) {re.escape(name)}\b", text)
    ]
    assert not found


def test_what_is_measured_is_held_out(runs):
    trained = {name for name in real() if not held_out(name)}
    for family in (speed.FAMILY, "compare and compute", "tool calls"):
        for task, _ in runs[family, False]:
            names = {t.name for tool in task.tools if isinstance(tool, Web) for t in tool.topics}
            assert names <= real() - trained, names & trained


def test_the_leopard_and_its_bridge_are_held_out():
    assert held_out("leopard")
    assert held_out("Pont des Arts")


def test_layouts_and_phrasings_are_split():
    trained = corpus.SPEED_LAYOUTS + corpus.LENGTH_LAYOUTS + layouts.TRAIN_SPEED + layouts.TRAIN_LENGTH
    measured_on = layouts.HELD_OUT_SPEED + layouts.HELD_OUT_LENGTH
    assert not {lay.text for lay in trained} & {lay.text for lay in measured_on}
    for questions in (phrasings.ONE, phrasings.TWO, phrasings.THREE):
        assert not set(questions[True]) & set(questions[False])
    for table in chat.ASK.values():
        assert not set(table[True]) & set(table[False])


def test_tools_and_wishes_are_split():
    made = {archives.shape(random.Random(n)).name for n in range(2000)}
    assert not made & {shape.name for shape in archives.SHAPES}
    facts = [{name for fact in archives.FACTS[side] for name in fact.names} for side in (True, False)]
    assert not facts[0] & facts[1]
    questions = [{q for wish in wishes.CANNOT[side] for q in wish.questions} for side in (True, False)]
    assert not questions[0] & questions[1]
    assert not set(wishes.CAN[True]) & set(wishes.CAN[False])
    assert not set(archives.QUESTIONS[True]) & set(archives.QUESTIONS[False])


def test_no_invented_fact_uses_the_words_of_those_measured_on():
    measured_on = " ".join(text for fact in archives.FACTS[False] for text in fact.names + fact.sentences)
    own = {"locker", "contact", "delivery", "delivered", "price", "license", "costs"}
    assert own <= set(re.findall(r"\w+", measured_on))
    rng = random.Random(1)
    made = [inventions.invented(rng) for _ in range(3000)]
    words = {
        word
        for fact in made
        for text in fact.names + fact.sentences
        for word in re.findall(r"\w+", text.lower())
    }
    assert not own & words


def test_the_course_s_own_question_is_a_training_phrasing_about_held_out_names():
    from course.agent import LEOPARD

    assert phrasings.ONE[True][0].format(animal="a leopard", place="Pont des Arts") == LEOPARD


@pytest.mark.parametrize("family", FAMILIES)
def test_no_thought_contains_a_stop_string(runs, family):
    for _, samples in runs[family, True] + runs[family, False]:
        for sample in samples:
            thought = sample.completion.split("</think>")[0]
            assert not [stop for stop in STOPS if stop in thought], thought


def test_the_planted_thought_ends_in_the_stop_string(runs):
    _, samples = runs[planted.FAMILY, True][0]
    assert samples[0].completion.endswith(planted.STOP)
    assert planted.STOP not in samples[1].completion.split("</think>")[0]


def test_thinking_is_longer_where_there_is_more_to_read(runs):
    first, second = ([], [])
    for _, samples in runs[speed.FAMILY, True]:
        first.append(len(samples[0].completion.split("</think>")[0]))
        second.append(len(samples[-1].completion.split("</think>")[0]))
    assert min(second) > 0
    assert sum(second) > sum(first)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kind", ["speed", "length"])
@pytest.mark.parametrize("american", [True, False])
def test_most_pages_state_the_figure(kind, training, american):
    rng = random.Random(3)
    row = {
        "name": "Xyl",
        "kind": "bridge",
        "city": "C",
        "country": "D",
        "width_m": 3,
        "opened": 1900,
        "detail": "d",
    }
    row |= {"mass_kg": 3, "lifespan_years": 3, "habitat": "h", "source": "s"}
    for _ in range(60):
        one = topic(rng, kind, row, training, american=american)
        shown = "\n\n".join(f"[{p.title}]({p.link})\n{p.description}" for p in one.pages)
        assert MostFrequentFigure()(one.fact(), shown) == f"{one.figure} {one.unit}"
        for page in one.pages:
            if page.figure and page.about == one.name:
                assert re.search(rf"(?<![\d.]){re.escape(page.figure)}(?![\d.]*\d)", page.description), page


@pytest.mark.parametrize("family", [speed.FAMILY, "compare and compute"])
def test_code_that_failed_is_written_again(family, render):
    rng, mended = random.Random(2), 0
    for _ in range(80):
        for sample in traces.agent_samples(ALL[family](rng, True), render):
            if sample.completion.startswith("The code failed"):
                assert "Error:" in sample.prompt[-900:], sample.prompt[-900:]
                mended += 1
    assert mended


def test_a_hidden_fact_is_found_with_other_words_and_not_by_asking_again(runs):
    tasks = measured(speed.FAMILY, 150, 5)
    hidden = [(task.tools[0], t) for task in tasks for t in task.tools[0].topics if t.hidden]
    assert hidden
    for web, one in hidden:
        pages = web.search(one.query())
        assert web.search(one.query()) == pages
        assert len(pages) < len(web.search(one.second_query()))


def test_addresses_are_split_and_half_of_the_measured_searches_name_nothing_in_them():
    assert not set(results.NAMING[True]) & set(results.NAMING[False])
    assert not set(results.NUMBERED[True]) & set(results.NUMBERED[False])
    assert not set(results.HOSTS[True]) & set(results.HOSTS[False])
    searches = [t for task in measured(speed.FAMILY, 100, 7) for t in task.tools[0].topics]
    silent = [
        t
        for t in searches
        if not any(corpus.slug(t.name) in page.link.lower().replace("_", "-") for page in t.pages)
    ]
    assert 0.35 < len(silent) / len(searches) < 0.65, f"{len(silent)} of {len(searches)}"


@pytest.mark.parametrize("family", [speed.FAMILY, compare.FAMILY, "tool calls"])
def test_what_is_nowhere_is_said_after_one_more_search(family, render):
    """Never a third search, and never the same step again."""
    rng, lost = random.Random(4), 0
    for _ in range(60):
        task = ALL[family](rng, False)
        if task.expected == speed.GAVE_UP:
            lost += 1
            said = [sample.completion for sample in traces.agent_samples(task, render)]
            assert all(one != after for one, after in pairwise(said))
            assert len(said) <= (8 if family == "tool calls" else 3)
    assert lost


def test_more_cases_begin_with_the_same_ones():
    few, many = measured(speed.FAMILY, 3, 1), measured(speed.FAMILY, 6, 1)
    assert [task.question for task in few] == [task.question for task in many[:3]]


def test_each_deck_holds_every_family():
    size = sum(DECK.values())
    for turn in range(3):
        cards = [card(7, step) for step in range(turn * size, (turn + 1) * size)]
        assert Counter(cards) == DECK
        assert {*ALL, chat.FAMILY} < {*cards}


def test_documents_that_do_not_hold_the_answer_are_drawn(runs):
    expected = [task.expected for task, _ in runs[documents.FAMILY, False]]
    assert 0 < expected.count("do not state") < len(expected)


@pytest.mark.parametrize(
    ("answer", "right"), [("9.62 s", True), ("9.6", False), ("10.62", False), ("19.62", False)]
)
def test_an_answer_states_a_number_to_two_decimals(answer, right):
    assert states(answer, 9.6206) is right


@pytest.mark.parametrize(
    ("name", "said"), [("elk", "an elk"), ("lion", "a lion"), ("European hare", "a European hare")]
)
def test_the_article_fits_the_name(name, said):
    assert article(name) == said


def test_a_prompt_without_an_open_thought_is_answered_with_one(render):
    """In plain chat too, unless thinking is switched off: then the template has closed it."""
    samples = [chat.sample(random.Random(n), render) for n in range(100)]
    unopened = [s for s in samples if not s.prompt.endswith(traces.OPEN) and "</think>" not in s.prompt]
    assert unopened
    assert all(s.completion.startswith(traces.OPEN) and s.completion.count("</think>") == 1 for s in unopened)


def test_a_long_answer_is_no_sane_chat():
    one = chat.Exchange("What is 1 plus 2?", "t", "1 plus 2 is 3.", "is 3")
    assert one.right("1 plus 2 is 3.")
    assert not one.right("1 plus 2 is 3. " * 9)
    assert not one.right("It is 4.")


def test_a_comparison_is_right_when_it_names_the_winner_first():
    names = ["tortoise", "leopard"]
    assert (
        compare.named_first("The leopard is the fastest: 2 seconds less than the tortoise.", names)
        == "leopard"
    )
    assert (
        compare.named_first("The tortoise is the fastest: 2 seconds less than the leopard.", names)
        == "tortoise"
    )
    assert compare.named_first("Neither.", names) == ""
