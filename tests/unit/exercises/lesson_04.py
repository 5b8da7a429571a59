"""Answers to the exercises of lesson 04: loops whose model is a list of replies."""

import json
import re
import secrets
import tempfile
from pathlib import Path

import httpx
from smolagents import LocalPythonExecutor

from authoring import lessons
from course.agent import LEOPARD
from course.tape import Tape
from course.turns import text_of, turns
from support.exercises import Answers, defined
from support.records import entry, reply

STOP = ["Observation:", "Calling tools:", "</code>"]
SYSTEM = "You are an expert assistant who can solve any task using code blobs."
TOOLS = {"web_search": lambda query: "nothing", "final_answer": lambda answer: answer}


SOURCE = next(path for path in lessons.sources() if path.name.startswith("04_"))
replying, begins, observe = defined(
    SOURCE, "replying", "begins", "observe", json=json, httpx=httpx, secrets=secrets, system=SYSTEM
)


def ask(client, messages):
    body = {"messages": messages, "temperature": 0, "stop": STOP}
    response = client.post("chat/completions", json=body)
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


def find_code(reply):
    _, tag, rest = reply.partition("<code>")
    return rest.partition("</code>")[0] if tag else None


# --- 04.1


def new_executor():
    executor = LocalPythonExecutor([])
    executor.send_tools(TOOLS)
    return executor


def begin(question):
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"New task:\n{question}"}]


def my_agent(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages)
        observation, answer = observe(executor, find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def with_while(client, question, look, steps=6):
    executor, messages, answer = new_executor(), begin(question), None
    while answer is None and steps > 0:
        said = ask(client, messages).strip()
        observation, answer = look(executor, find_code(said))
        messages += [
            {"role": "assistant", "content": f"{said}\n</code>\n"},
            {"role": "user", "content": observation},
        ]
        steps -= 1
    return answer


def recursive(client, question, observe, max_steps=6, executor=None, messages=None):
    executor, messages = executor or new_executor(), messages or begin(question)
    if max_steps == 0:
        return None
    said = ask(client, messages)
    observation, answer = observe(executor, find_code(said))
    if answer is not None:
        return answer
    more = [{"role": "assistant", "content": said + "</code>"}, {"role": "user", "content": observation}]
    return recursive(client, question, observe, max_steps - 1, executor, messages + more)


def zero_is_nothing(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages)
        observation, answer = observe(executor, find_code(said))
        if answer:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def forgets(client, question, observe, max_steps=6):
    executor = new_executor()
    for _ in range(max_steps):
        _, answer = observe(executor, find_code(ask(client, begin(question))))
        if answer is not None:
            return answer


def new_executor_each_time(client, question, observe, max_steps=6):
    messages = begin(question)
    for _ in range(max_steps):
        said = ask(client, messages)
        observation, answer = observe(new_executor(), find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def observation_first(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages)
        observation, answer = observe(executor, find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "user", "content": observation})
        messages.append({"role": "assistant", "content": said + "</code>"})


def one_too_many(client, question, observe, max_steps=6):
    return my_agent(client, question, observe, max_steps + 1)


def no_system_prompt(client, question, observe, max_steps=6):
    return _loop(
        client, [{"role": "system", "content": ""}, begin(question)[1]], new_executor(), observe, max_steps
    )


def bare_question(client, question, observe, max_steps=6):
    messages = [begin(question)[0], {"role": "user", "content": question}]
    return _loop(client, messages, new_executor(), observe, max_steps)


SHARED = new_executor()


def shared_executor(client, question, observe, max_steps=6):
    return _loop(client, begin(question), SHARED, observe, max_steps)


def catches(client, question, observe, max_steps=6):
    def silent(executor, code):
        try:
            return observe(executor, code)
        except Exception as error:
            return str(error), None

    return _loop(client, begin(question), new_executor(), silent, max_steps)


def without_the_end(client, question, observe, max_steps=6):
    return _loop(client, begin(question), new_executor(), observe, max_steps, end="")


def _loop(client, messages, executor, observe, max_steps, end="</code>"):
    for _ in range(max_steps):
        said = ask(client, messages)
        observation, answer = observe(executor, find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": said + end})
        messages.append({"role": "user", "content": observation})


LOOP = {
    "begins": begins, "replying": replying, "observe": observe, "secrets": secrets, "re": re,
}  # fmt: skip

# --- 04.2


def careful(executor, code):
    if code is None:
        return "Error:\nThere was no code. Write it between <code> and </code>.", None
    try:
        result = executor(code)
    except Exception as error:
        return f"Error:\n{error}", None
    return f"Observation:\n{result.logs}", result.output if result.is_final_answer else None


def in_other_words(executor, code):
    if code is None:
        return "I found no code. Please write <code>, then Python, then </code>", None
    try:
        return observe(executor, code)
    except Exception as error:
        return "Error: " + str(error) + "\nTry something else.", None


def around_everything(executor, code):
    try:
        if not isinstance(code, str):
            raise ValueError("no code between <code> and </code>")
        return observe(executor, code)
    except BaseException as error:
        return f"Error: {type(error).__name__}: {error}", None


def lets_it_through(executor, code):
    return observe(executor, code) if code is not None else ("Write <code> and </code>", None)


def without_its_words(executor, code):
    if code is None:
        return "Write <code> and </code>", None
    try:
        return observe(executor, code)
    except Exception:
        return "Error: the code failed.", None


def no_code_is_an_error_of_python(executor, code):
    try:
        return observe(executor, code)
    except Exception as error:
        return f"Error:\n{error}", None


def error_as_answer(executor, code):
    if code is None:
        return "Write <code> and </code>", None
    try:
        return observe(executor, code)
    except Exception as error:
        return f"Error:\n{error}", str(error)


# --- 04.3

FOLDER = Path(tempfile.mkdtemp(prefix="lesson04-"))


def recorded(name, question, *counts, system=SYSTEM, parts=False, ends=True, seen="Observation:"):
    """A tape with a run, one request for each of these numbers of prompt tokens."""
    tape = Tape(FOLDER / f"{name}.tape.jsonl")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{question}"}]
    for n, tokens in enumerate(counts, 1):
        said = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
        code = "<code>\nfinal_answer(1)\n" if ends and n == len(counts) else "<code>\nprint(1)\n"
        usage = {"prompt_tokens": tokens, "completion_tokens": 5}
        tape.add(entry(n, said if parts else messages, reply(f"r{n}", content=code, usage=usage)))
        messages = [
            *messages,
            {"role": "assistant", "content": f"{code}</code>"},
            {"role": "user", "content": f"{seen}\n1"},
        ]
    return tape.path


CHEETAH = "How long does a cheetah take for Tower Bridge?"
GOOD = recorded("good", CHEETAH, 2372, 2716)
OWN = {"tape": GOOD, "requests": 2, "prompt": 2716}
GIVEN = {"Path": Path, "Tape": Tape, "turns": turns, "text_of": text_of, "re": re, "system": SYSTEM}

ANSWERS = {
    "04.1": Answers(
        right=[my_agent, with_while, recursive],
        wrong=[
            zero_is_nothing, forgets, new_executor_each_time, observation_first, one_too_many, no_system_prompt,
            bare_question, shared_executor, catches, without_the_end,
            lambda client, question, observe, max_steps=6: 42,
        ],
        given=LOOP,
    ),
    "04.2": Answers(
        right=[careful, in_other_words, around_everything],
        wrong=[
            observe, lets_it_through, without_its_words, no_code_is_an_error_of_python, error_as_answer,
            lambda executor, code: "Error:",
        ],
        given={"LocalPythonExecutor": LocalPythonExecutor, "secrets": secrets, "tools": TOOLS},
    ),
    "04.3": Answers(
        right=[
            OWN,
            {"tape": str(GOOD), "requests": "2", "prompt": "2,716"},
            {"tape": recorded("three", CHEETAH, 10, 20, 30), "requests": 3, "prompt": 30},
        ],
        wrong=[
            {**OWN, "requests": 3},
            {**OWN, "prompt": 2372},
            {**OWN, "tape": FOLDER / "nowhere"},
            {**OWN, "tape": recorded("leopard", LEOPARD, 2372, 2716)},
            {**OWN, "tape": recorded("smolagents", CHEETAH, 2372, 2716, parts=True)},
            {**OWN, "tape": recorded("one", CHEETAH, 2716), "requests": 1},
            {**OWN, "tape": recorded("chat", CHEETAH, 2372, 2716, system="Be brief.")},
            {**OWN, "tape": recorded("endless", CHEETAH, 2372, 2716, ends=False)},
            {**OWN, "tape": recorded("incomplete", CHEETAH, 2372, 2716, seen="Error:\nname 'observe' is not defined")},
            {"tape": GOOD, "requests": 2},
            GOOD,
        ],
        given=GIVEN,
    ),
}  # fmt: skip
