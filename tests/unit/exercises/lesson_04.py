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
UNICORN = LEOPARD.replace("leopard", "unicorn")
TOOLS = {"web_search": lambda query: "nothing", "final_answer": lambda answer: answer}


SOURCE = next(path for path in lessons.sources() if path.name.startswith("04_"))
replying, observe = defined(SOURCE, "replying", "observe", json=json, httpx=httpx)


# --- 04.1


def ask(client, messages, stop):
    body = {"messages": messages, "temperature": 0, "stop": stop}
    response = client.post("chat/completions", json=body)
    response.raise_for_status()
    return response.json()["choices"][0]["message"]["content"]


def by_content(client, messages, stop=None):
    sent = json.dumps({"model": "any", "messages": list(messages), "stop": stop, "temperature": 0.0})
    answer = client.request("POST", "/chat/completions", content=sent).raise_for_status()
    return json.loads(answer.text)["choices"][0]["message"]["content"]


def with_an_if(client, messages, stop):
    answer = client.post("chat/completions", json={"stop": stop, "messages": messages, "temperature": 0})
    if answer.status_code != 200:
        raise RuntimeError(answer.text)
    (choice,) = answer.json()["choices"]
    return choice["message"]["content"]


def without_stop(client, messages, stop):
    answer = client.post("chat/completions", json={"messages": messages, "temperature": 0})
    return answer.raise_for_status().json()["choices"][0]["message"]["content"]


def error_as_words(client, messages, stop):
    answer = client.post(
        "chat/completions", json={"messages": messages, "temperature": 0, "stop": stop}
    ).json()
    return answer["choices"][0]["message"]["content"] if "choices" in answer else answer["error"]["message"]


def last_message_only(client, messages, stop):
    return ask(client, messages[-1:], stop)


def whole_message(client, messages, stop):
    answer = client.post("chat/completions", json={"messages": messages, "temperature": 0, "stop": stop})
    return answer.raise_for_status().json()["choices"][0]["message"]


# --- 04.2


def find_code(reply):
    _, tag, rest = reply.partition("<code>")
    return rest.partition("</code>")[0] if tag else None


def by_regex(reply):
    found = re.search(r"<code>(.*?)(?:</code>|$)", reply, re.DOTALL)
    return found and found[1].strip()


def by_split(reply):
    if "<code>" not in reply:
        return None
    return reply.split("<code>")[1].split("</code>")[0]


def both_tags_needed(reply):
    found = re.search(r"<code>(.*?)</code>", reply, re.DOTALL)
    return found[1] if found else None


def one_line(reply):
    found = re.search(r"<code>\s*(.*?)(?:</code>|$)", reply, re.MULTILINE)
    return found[1] if found else None


def everything(reply):
    return reply.replace("<code>", "").replace("</code>", "")


def to_the_end(reply):
    return reply.split("<code>")[1] if "<code>" in reply else None


# --- 04.3


def new_executor():
    executor = LocalPythonExecutor([])
    executor.send_tools(TOOLS)
    return executor


def begin(question):
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"New task:\n{question}"}]


def my_agent(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages, STOP)
        observation, answer = observe(executor, find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def with_while(client, question, look, steps=6):
    executor, messages, answer = new_executor(), begin(question), None
    while answer is None and steps > 0:
        said = ask(client, messages, STOP).strip()
        observation, answer = look(executor, find_code(said))
        messages += [
            {"role": "assistant", "content": f"{said}</code>"},
            {"role": "user", "content": observation},
        ]
        steps -= 1
    return answer


def recursive(client, question, observe, max_steps=6, executor=None, messages=None):
    executor, messages = executor or new_executor(), messages or begin(question)
    if max_steps == 0:
        return None
    said = ask(client, messages, [*STOP, "Task:"])
    observation, answer = observe(executor, find_code(said))
    if answer is not None:
        return answer
    more = [{"role": "assistant", "content": said + "</code>"}, {"role": "user", "content": observation}]
    return recursive(client, question, observe, max_steps - 1, executor, messages + more)


def zero_is_nothing(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages, STOP)
        observation, answer = observe(executor, find_code(said))
        if answer:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def forgets(client, question, observe, max_steps=6):
    executor = new_executor()
    for _ in range(max_steps):
        _, answer = observe(executor, find_code(ask(client, begin(question), STOP)))
        if answer is not None:
            return answer


def new_executor_each_time(client, question, observe, max_steps=6):
    messages = begin(question)
    for _ in range(max_steps):
        said = ask(client, messages, STOP)
        observation, answer = observe(new_executor(), find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "assistant", "content": said + "</code>"})
        messages.append({"role": "user", "content": observation})


def observation_first(client, question, observe, max_steps=6):
    executor, messages = new_executor(), begin(question)
    for _ in range(max_steps):
        said = ask(client, messages, STOP)
        observation, answer = observe(executor, find_code(said))
        if answer is not None:
            return answer
        messages.append({"role": "user", "content": observation})
        messages.append({"role": "assistant", "content": said + "</code>"})


def one_too_many(client, question, observe, max_steps=6):
    return my_agent(client, question, observe, max_steps + 1)


LOOP = {
    "ask": ask, "find_code": find_code, "replying": replying, "observe": observe, "secrets": secrets,
}  # fmt: skip

# --- 04.4


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


# --- 04.5

FOLDER = Path(tempfile.mkdtemp(prefix="lesson04-"))


def recorded(name, question, *counts, system=SYSTEM, parts=False):
    """A tape with a run, one request for each of these numbers of prompt tokens."""
    tape = Tape(FOLDER / f"{name}.tape.jsonl")
    messages = [{"role": "system", "content": system}, {"role": "user", "content": f"New task:\n{question}"}]
    for n, tokens in enumerate(counts, 1):
        said = [{**m, "content": [{"type": "text", "text": m["content"]}]} for m in messages]
        usage = {"prompt_tokens": tokens, "completion_tokens": 5}
        tape.add(entry(n, said if parts else messages, reply(f"r{n}", usage=usage)))
        messages = [
            *messages,
            {"role": "assistant", "content": "<code>1</code>"},
            {"role": "user", "content": "1"},
        ]
    return tape.path


CHEETAH = "How long does a cheetah take for Tower Bridge?"
GOOD = recorded("good", CHEETAH, 2372, 2716)
OWN = {"tape": GOOD, "requests": 2, "prompt": 2716}
GIVEN = {
    "Path": Path, "Tape": Tape, "turns": turns, "text_of": text_of, "LEOPARD": LEOPARD, "UNICORN": UNICORN,
    "system": SYSTEM,
}  # fmt: skip

ANSWERS = {
    "04.1": Answers(
        right=[ask, by_content, with_an_if],
        wrong=[without_stop, error_as_words, last_message_only, whole_message, lambda *_: "You said so.", "content"],
        given={"httpx": httpx, "json": json, "secrets": secrets},
    ),
    "04.2": Answers(
        right=[find_code, by_regex, by_split],
        wrong=[both_tags_needed, one_line, everything, to_the_end, str.strip],
    ),
    "04.3": Answers(
        right=[my_agent, with_while, recursive],
        wrong=[
            zero_is_nothing, forgets, new_executor_each_time, observation_first, one_too_many,
            lambda client, question, observe, max_steps=6: 42,
        ],
        given=LOOP,
    ),
    "04.4": Answers(
        right=[careful, in_other_words, around_everything],
        wrong=[
            observe, lets_it_through, without_its_words, no_code_is_an_error_of_python, error_as_answer,
            lambda executor, code: "Error:",
        ],
        given={"LocalPythonExecutor": LocalPythonExecutor, "secrets": secrets, "tools": TOOLS},
    ),
    "04.5": Answers(
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
            {"tape": GOOD, "requests": 2},
            GOOD,
        ],
        given=GIVEN,
    ),
}  # fmt: skip
