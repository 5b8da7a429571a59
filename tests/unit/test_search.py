"""The offline search is WebSearchTool to the agent, and its web disagrees with itself."""

import re
from collections import Counter

import pytest
from smolagents import CodeAgent, Model, WebSearchTool

from course.tools import corpus
from course.tools.search import OfflineSearch


@pytest.fixture(scope="module")
def search():
    return OfflineSearch()


def test_the_system_prompt_is_the_same_byte_for_byte(search):
    offline, online = (CodeAgent([tool], Model()).system_prompt for tool in (search, WebSearchTool()))
    assert offline == online


def test_results_have_the_shape_of_the_real_tool(search):
    text = search("top speed of leopard in km/h")
    assert re.fullmatch(r"## Search Results(\n\n\[[^\]]+\]\(https://[^)]+\)\n[^\n]+){1,10}", text), text


@pytest.mark.parametrize("query", ["", "zorble", "speed", "?!", 'a "quoted', "zzNEAR(*"])
def test_a_query_without_a_rare_word_raises_what_the_real_tool_raises(search, query):
    with pytest.raises(Exception, match=r"^No results found! Try a less restrictive/shorter query\.$"):
        search(query)


def test_max_results_holds():
    assert len(OfflineSearch(max_results=3).search("leopard top speed")) == 3


@pytest.mark.parametrize("table", ["animals", "places"])
def test_the_corpus_is_large_and_names_its_sources(table):
    rows = corpus.rows(table)
    assert len({row["name"] for row in rows}) == len(rows) >= 120
    assert all(row["source"].strip() for row in rows)


@pytest.mark.parametrize(
    ("table", "query", "column"),
    [
        ("animals", "top speed of {} in km/h", "top_speed_kmh"),
        ("places", "length of {} in meters", "length_m"),
    ],
)
def test_the_main_figure_is_the_one_most_pages_state_and_some_disagree(search, table, query, column):
    by_link = {page.link: page for page in search.pages}
    disagreeing = 0
    for row in corpus.rows(table):
        found = [by_link[hit["link"]] for hit in search.search(query.format(row["name"]))]
        figures = Counter(
            page.figure for page in found if page.figure and page.about == row["name"]
        ).most_common()
        assert figures[0][0] == row[column], f"{row['name']}: {figures}"
        assert len(figures) == 1 or figures[0][1] > figures[1][1], f"{row['name']}: {figures}"
        disagreeing += len(figures) > 1
    assert disagreeing >= 100, f"only {disagreeing} entities have pages that differ"


def test_a_page_carries_the_name_of_its_source(search):
    assert "Source: Wikipedia, Leopard." in search("top speed of leopard in km/h")
