"""The kinds of fault that a diagnosis knows: what each is called, why it happens, what to do next.

Does: holds the words, causes before their consequences. Does not: find anything; wirefaults.py and stepfaults.py do.
Where the words name a behavior of llama-server or smolagents, it was seen on b11434, b11549 and smolagents 1.26.
"""

from dataclasses import dataclass
from typing import Any

from course.diagnose.finding import Finding, Quote
from course.turns import Turn


@dataclass(frozen=True)
class Fault:
    """A kind; names in braces are filled in when it is found."""

    kind: str
    title: str
    why: str
    next: str


def found(kind: str, turn: Turn, *evidence: Quote | str | None, **words: Any) -> Finding:
    """A finding of this kind; evidence that is missing is left out."""
    fault = KINDS[kind]
    proof = tuple(quote for quote in evidence if quote)
    where = (turn.run_number, turn.number)
    return Finding(kind, fault.title, *where, proof, fault.why.format(**words), fault.next.format(**words))


_ALL = (
    Fault(
        "unreachable",
        "no server answered",
        "Nothing listens at {base}, or it can't be reached from here. smolagents ends the run at such an error.",
        "See whether it lives:  curl {base}/health   or start one:  course serve",
    ),
    Fault(
        "connection-lost",
        "the response broke off",
        "The connection ended before the answer was complete, as it does when a server is stopped or crashes.",
        "Read the end of the server's log, and see whether it lives:  curl {base}/health",
    ),
    Fault(
        "timed-out",
        "the client gave up waiting",
        "The client's own timeout ran out before the answer was complete; the server was still busy with it.",
        "Give it more time, connect(server, tape, timeout=600), or a smaller max_tokens.",
    ),
    Fault(
        "client-disconnected",
        "the client stopped listening",
        "The client closed the connection before the model was done: an interrupt, or an error on its own side.",
        "If nobody interrupted it, look for an exception in the client's output, then run it again.",
    ),
    Fault(
        "wrong-key",
        "the server wants another API key",
        "The server was started with --api-key, and this request came with another key or with none.",
        "Give it the server's key:  KEY=… SERVER={base} course ask",
    ),
    Fault(
        "busy",
        "the server was not ready",
        "llama-server answers 503 while it loads its model; a gateway answers 429 to too many requests.",
        "Ask again when it says ok:  curl {base}/health",
    ),
    Fault(
        "context-overflow",
        "the request is longer than the context",
        "The request has {asked} tokens, and the server was started with room for {room} (-c, divided among its "
        "slots). Each step sends all steps before it again; smolagents ends the run at an HTTP error.",
        "A larger context:  course serve -c {more}   or shorter observations and fewer steps.",
    ),
    Fault(
        "tools-without-jinja",
        "tools were refused",
        "ToolCallingAgent sends a `tools` field (CodeAgent does not), and llama-server takes one only with --jinja, "
        "which is the default since the end of 2025.",
        "Start the server without --no-jinja:  course serve --jinja",
    ),
    Fault(
        "template-refused",
        "the chat template refused the messages",
        "The model's template raises an error for these roles ({roles}). Most templates want a system message in "
        "the first place only, and at least one user message.",
        "Put the roles right; server.apply_template(messages) tries them without generating.",
    ),
    Fault(
        "request-refused",
        "the server refused the request",
        "It answered HTTP {status}; the reason is in its own words.",
        "Change what it names. The whole request is in:  course view TAPE",
    ),
    Fault(
        "never-sent",
        "the request was never sent",
        "An error in smolagents or its client came before anything went over the wire, and ends the run.",
        "Read the error's last line. What the openai client doesn't know belongs in extra_body:  "
        "connect(server, tape, extra_body={{…}})",
    ),
    Fault(
        "prompt-cache-miss",
        "the prompt cache was lost",
        "This request goes on from the one before, which had {before} tokens, but only {cached} came from the cache. "
        "{reason}",
        "{change}",
    ),
    Fault(
        "thinking-not-opened",
        "the prompt does not open the thinking",
        "{expected} Without it the model skips its thinking, or writes it where the parser does not look. "
        "It comes from --no-jinja or from another chat template.",
        "Start the server with the model's own template:  course serve --jinja",
    ),
    Fault(
        "thinking-in-content",
        "thinking leaked into content",
        "{setting} So smolagents reads the thinking as part of the answer, and would run code in it.",
        "{change}",
    ),
    Fault(
        "decoy-ran",
        "code from the thinking was run",
        "smolagents joins all code blocks in content and runs them from the top. This one stands in leaked "
        "thinking: a draft, which may not be what the model decided on.",
        "Don't trust what came of it. Keep the thinking out of content, and ask again:  course serve",
    ),
    Fault(
        "stop-in-thinking",
        "a stop string ended the thinking",
        "The request has {stop} as a stop string, and llama-server stops at it wherever it comes, inside the "
        "thinking too. It looks like a normal end, but no answer was written.",
        "Let smolagents cut by itself: a model class with supports_stop_parameter = False sends no stop strings.",
    ),
    Fault(
        "thinking-cut",
        "the thinking was cut off",
        "{limit} The model was still thinking, so there is no answer.",
        "{more}, or less thinking: extra_body={{'reasoning_budget_tokens': {half}}}",
    ),
    Fault(
        "answer-cut",
        "the answer was cut off",
        "{limit} smolagents takes what there is, half a code block too.",
        "{more}, or ask for a shorter answer.",
    ),
    Fault(
        "empty-response",
        "the model wrote no answer",
        "The model ended its turn {when} with empty content, which is a valid response.",
        'Look at the prompt\'s last lines ("verbose": true in the request), or ask again with another seed.',
    ),
    Fault(
        "empty-step",
        "a step did nothing",
        "Text without a statement is valid Python: smolagents ran it, noted None as its result and no error, and "
        "one step was spent.",
        "Find out in this turn's finish_reason and thinking why no code came:  course view TAPE",
    ),
    Fault(
        "no-code-block",
        "no code was found in the answer",
        "smolagents looks for <code>…</code>, then for a python fence, then takes the whole text as Python; nothing "
        "fitted (an empty block counts as none). The error goes back to the model and costs a step.",
        "If it stays: a larger model, or CodeAgent(…, use_structured_outputs_internally=True).",
    ),
    Fault(
        "no-tool-call",
        "no tool call was found in the answer",
        "The response has no tool_calls, so smolagents looked for a JSON object in content and found none.",
        "See that the request says tool_choice: required and the server runs with --jinja, or use a CodeAgent.",
    ),
    Fault(
        "syntax-error",
        "the code is not Python",
        "smolagents found code, but Python's parser does not understand it; nothing of it ran.",
        "One retry is normal. If it stays, look whether the code was cut or has prose in it:  course view TAPE",
    ),
    Fault(
        "forbidden-import",
        "a forbidden import",
        "LocalPythonExecutor runs only the imports that rule 9 of the system prompt lists; {name} is none of them.",
        "To allow it:  code_agent(model, additional_authorized_imports=['{name}'])",
    ),
    Fault(
        "forbidden-call",
        "a call of something that does not exist there",
        "The executor knows the agent's tools, some builtins and what the code itself defines; {name} is none of them.",
        "Give the agent a tool of that name, or say in the task which tools it has.",
    ),
    Fault(
        "empty-search",
        "a search found nothing",
        "smolagents' search tools raise this error when no page fits; what followed it in the same code did not run.",
        "Try the query by hand, with fewer and rarer words:  OfflineSearch()({query})",
    ),
    Fault(
        "action-failed",
        "the action raised an error",
        "The agent's code or a tool stopped with this error. It goes back to the model as the next observation.",
        "One retry is normal. If it stays, run the code by hand, or let the tool say what it expects.",
    ),
    Fault(
        "never-ended",
        "a step never ended",
        "The step has code or text, but neither a result nor an error: an interrupt, or an exception that smolagents "
        "does not turn into an observation, ended the run in the middle of it.",
        "If nobody interrupted it, look for an exception in the output of the program, then run it again.",
    ),
    Fault(
        "repeated-action",
        "the same action again",
        "What ran in {first} ran again, with the same result: this step told the model nothing new.",
        "Change what it sees: a clearer result of the tool, a hint in the task, another temperature.",
    ),
    Fault(
        "observation-truncated",
        "the observation was cut in the middle",
        "smolagents keeps the first and the last part of what is longer than {most} characters; the model never saw "
        "the rest.",
        "Print less, or allow more:  code_agent(model, max_print_outputs_length=…)",
    ),
    Fault(
        "max-steps",
        "the answer is the fallback after the last step",
        "No step called final_answer, so smolagents asked once more with another system prompt and took the text "
        "as it came; no code ran, and final_answer_checks were skipped.",
        "Don't trust it. See what the steps were busy with, then allow more:  course ask --max-steps {more}",
    ),
)

KINDS = {fault.kind: fault for fault in _ALL}
ORDER = {kind: place for place, kind in enumerate(KINDS)}
