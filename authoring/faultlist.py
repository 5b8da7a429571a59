"""The page of all faults that `course diagnose` names, by the question of lesson 12 that each answers with no.

Made of course/diagnose/faults.toml, in the words for a server and a client that nobody knows, but for `INSTEAD`.
"""

from course.diagnose.faults import Fault, kinds
from course.diagnose.texts import Text, compose, names, wordings

QUESTIONS = (
    "Before the first turn: did it reach the server that you mean?",
    "Question 1: did a complete response arrive?",
    "Question 2: did it end where it should, at the end of the content?",
    "Question 3: is everything in its field?",
    "Question 4: could the client run it, or did the next reply take the error into account?",
    "Question 5: does the next request continue this one, with what came out?",
    "Question 6: did all that the tool returned reach the model, and was it of use?",
    "How a run ends: mostly effects of something above",
)
"""The headings, by the `question` of a fault. 1 to 6 are lesson 12's."""
LIMIT = "A limit was reached: the request's (max_tokens), the context window, or the server's own."
INSTEAD = {
    "unreachable": "Nothing is listening at …, this machine cannot reach it or does not know its name, or its certificate "
    "is not trusted.",
    "client-disconnected": "The client stopped reading before the model was done: it was interrupted, or it failed for a "
    "reason of its own. If its own timeout expires behind `course tap`, it looks like this, too.",
    "unknown-model": "The request asks for a model that the server does not have, or for none where it cannot choose.",
    "thinking-not-opened": "The model's own template ends the prompt with <think>, and this prompt does not. The model may "
    "then skip its thinking, or write it where the parser does not look. Possible causes are --no-jinja and a different "
    "chat template.",
    "thinking-cut": f"{LIMIT} The model was still thinking, so there is no answer.",
    "answer-cut": f"{LIMIT} Or a content filter ended it. What has arrived is not the whole answer.",
    "empty-response": "The model ended its turn, or a stop sequence ended it, with empty content. To the server that is a "
    "valid response.",
    "repeated-action": "The same calls already ran in an earlier turn with the same results, or the client already "
    "answered the same text with the same message, so this step told the model nothing new.",
    "request-refused": "The server answered with an error about the request, for a reason that has no name here.",
    "server-failed": "The server answered with an error that does not blame the request: it is out of memory, say, or the "
    "process that runs the model has ended.",
    "tool-choice-ignored": "The request says whether a tool has to be called, or which one (tool_choice), and the answer "
    "does otherwise.",
    "wrong-key": "The server requires an API key, and this request had a different one or none. Behind `course tap`, an "
    "OPENAI_API_KEY that is only in a `.env` file is not used "
    "([what to do](environment.md#for-the-program-that-course-tap-runs)).",
    "arguments-malformed": "A tool takes its arguments as one JSON object. These are something else: text that is not "
    "JSON, a list, or several objects in a row.",
    "unknown-tool": "The called name is not among the tools of the request: the model made it up, or found it in the "
    "system prompt or in earlier messages.",
    "prompt-cache-miss": "This request continues an earlier one, but few of its tokens came from the cache. Possible "
    "causes: the entry expired or was evicted, another client took its slot, another provider answered, or something in "
    "front of the messages changed, such as the tools.",
    "changing-prefix": "This request continues an earlier one, but something near its beginning differs: a time in the "
    "instructions, the list of tools, an old message that was dropped. A cache keeps only what two prompts have in common "
    "at their beginning, so the server had to process the rest again.",
    "empty-search": "smolagents' search tools raise this error if no page matches.",
}
"""What is said of a fault whose least specific wording is only one of its causes."""
NOTES = {
    5: "Three of these are found only if the responses have token counts: `prompt-truncated` needs those of the prompt, "
    "`prompt-cache-miss` and `changing-prefix` also how many came from the cache.\n\n"
    '- **Streams:** many servers send counts only if the request has `"stream_options": {"include_usage": true}`. Write '
    "`ChatOpenAI(stream_usage=True, …)` in LangChain and LangGraph, `createOpenAICompatible({ includeUsage: true, … })` in "
    "the AI SDK.\n"
    "- **Cached tokens:** Ollama counts them from 0.33.3 on, vLLM with `--enable-prompt-tokens-details`, SGLang with "
    "`--enable-cache-report`. The last two leave out a count of 0; a missing one is taken for 0 if another response has a "
    "count. Except on llama-server, the cache is judged only for prompts of at least 1,024 tokens, and only if at least "
    "one response for the same model reports cached tokens.\n"
    "- **A first request that is too long** is named only if `prompt_tokens` is far too small for its characters and also "
    "a multiple of 1,024 or, in Ollama, 2 or 3 more than half of its window. If you suspect one, compare the two yourself: "
    "a token rarely has more than 8 characters.",
    6: "On tapes of clients other than smolagents, only an empty result is named. Check these yourself: whether a result "
    "was shortened, whether the tool returned an error (question 4), and whether the agent stopped at its limit of steps.",
}
"""What is said above the table of a question."""


def table() -> str:
    """A heading and a table for each question. Faults are in the order in which a diagnosis lists them."""
    parts = []
    for number, question in enumerate(QUESTIONS):
        rows = [row(fault) for fault in kinds().values() if fault.question == number]
        note = [f"{NOTES[number]}\n"] if number in NOTES else []
        head = [f"## {question}\n", *note, "| name | what it is | why |", "|---|---|---|"]
        parts.append("\n".join([*head, *rows]))
    return "\n\n".join(parts)


def row(fault: Fault) -> str:
    marks = [f" ({mark})" for mark in ("a remark" if fault.remark else None, fault.client) if mark]
    name = f'<a id="{fault.kind}"></a>`{fault.kind}`{"".join(marks)}'
    return f"| {name} | {escaped(fault.title)} | {escaped(INSTEAD.get(fault.kind) or general(fault.why))} |"


def general(text: Text) -> str:
    """The text as it is said of an unknown server; if it then says nothing, with … for what a tape would fill in."""
    unknown = {name: "…" for wording in wordings(text) for name in names(wording)}
    return compose(text, {}) or compose(text, unknown)


def escaped(text: str) -> str:
    """For a cell of a table: tags such as <think> are shown, not taken for HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
