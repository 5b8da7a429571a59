"""The chat template of the embedded model, as a function of messages."""

import json

import pytest

from training.traces import renderer

USER = {"role": "user", "content": "hi"}


@pytest.fixture(scope="module")
def render():
    return renderer()


def test_the_generation_prompt_opens_the_think_block(render):
    assert render({"messages": [USER]}) == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n<think>\n"


def test_thinking_can_be_switched_off(render):
    body = {"messages": [USER], "chat_template_kwargs": {"enable_thinking": False}}
    assert render(body).endswith("<|im_start|>assistant\n<think>\n\n</think>\n\n")


def test_parts_are_joined_with_nothing(render):
    parts = [{"type": "text", "text": "a "}, {"type": "text", "text": "b"}]
    assert "<|im_start|>user\na b<|im_end|>" in render({"messages": [{"role": "user", "content": parts}]})


@pytest.mark.parametrize("thinking", [{"reasoning_content": "T"}, {"content": "<think>\nT\n</think>\n\nA"}])
def test_thinking_of_earlier_turns_is_dropped(render, thinking):
    earlier = {"role": "assistant", "content": "A", **thinking}
    text = render({"messages": [USER, earlier, USER]})
    assert "<|im_start|>assistant\nA<|im_end|>" in text
    assert "T\n" not in text.removesuffix("<think>\n")


def test_tool_calls_are_written_as_xml(render):
    call = {"function": {"name": "web_search", "arguments": {"query": "leopard"}}}
    text = render({"messages": [USER, {"role": "assistant", "content": "", "tool_calls": [call]}, USER]})
    assert (
        "<tool_call>\n<function=web_search>\n<parameter=query>\nleopard\n</parameter>\n</function>\n</tool_call>"
        in text
    )


def test_tools_are_listed_after_the_system_message(render):
    tool = {"type": "function", "function": {"name": "web_search"}}
    text = render({"messages": [{"role": "system", "content": "S"}, USER], "tools": [tool]})
    assert text.startswith("<|im_start|>system\nS\n\n# Tools")
    assert json.dumps(tool) in text


@pytest.mark.parametrize(
    ("messages", "message"),
    [
        ([{"role": "system", "content": "S"}], "No user query found in messages."),
        ([USER, {"role": "system", "content": "S"}], "The system message must come first."),
    ],
)
def test_what_the_template_refuses(render, messages, message):
    with pytest.raises(ValueError, match=message):
        render({"messages": messages})
