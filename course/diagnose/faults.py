"""The kinds of fault that a diagnosis knows: what each is called, why it happens, what to do next.

Only the texts are here, with causes before their consequences. wirefaults.py, textfaults.py and stepfaults.py find the
faults. The behavior described was observed with llama.cpp b11434 and b11549 and smolagents 1.26.
"""

from dataclasses import dataclass
from typing import Any

from course.diagnose.finding import Finding, Quote
from course.turns import Turn


@dataclass(frozen=True)
class Fault:
    """A kind of fault. The names in braces are filled in when it is found.

    In `next`, two spaces precede a command to copy, and three follow it if the sentence goes on.
    """

    kind: str
    title: str
    why: str
    next: str


def found(kind: str, turn: Turn, *evidence: Quote | None, **words: Any) -> Finding:
    """A finding of this kind, with the evidence that is not None. `words` replace the names in braces."""
    fault = KINDS[kind]
    proof = tuple(quote for quote in evidence if quote)
    why, then = fault.why.format(**words), fault.next.format(**words)
    return Finding(kind, fault.title, turn.run_number, turn.number, proof, why, then)


_ALL = (
    Fault(
        "unreachable",
        "no server answered",
        "Nothing is listening at {base}, or this machine cannot reach it. smolagents aborts the run after a connection "
        "error.",
        "Check the server:  curl {base}/health   or start one:  course serve",
    ),
    Fault(
        "connection-lost",
        "the connection was lost before the response was complete",
        "The connection ended early, as it does when a server is stopped or crashes.",
        "Read the last lines of the server's log, and check whether it still runs:  curl {base}/health",
    ),
    Fault(
        "timed-out",
        "the client timed out",
        "The client's own timeout expired before the response was complete. The server may still have been working on it.",
        "Allow more time:  connect(server, tape, timeout=600)   or ask for fewer tokens (max_tokens).",
    ),
    Fault(
        "client-disconnected",
        "the client closed the connection early",
        "The client stopped reading before the model was done: it was interrupted, or it failed for a reason of its own.",
        "If nobody interrupted it, look for an exception in the client's output, then run it again.",
    ),
    Fault(
        "wrong-key",
        "the server rejected the API key",
        "The server requires an API key (--api-key), and this request had a different one or none.",
        "Pass the server's key:  KEY=… SERVER={base} course ask",
    ),
    Fault(
        "busy",
        "the server was not ready",
        "llama-server answers 503 while it loads its model. Gateways and hosted APIs answer 429 if a client sends too many "
        "requests.",
        "Ask again once this reports ok:  curl {base}/health",
    ),
    Fault(
        "context-overflow",
        "the request does not fit in the context window",
        "{sizes} Each step resends all earlier ones, so an agent's requests grow. smolagents aborts the run after an HTTP"
        " error.",
        "Enlarge the context:  course serve -c {more}   or keep observations short and take fewer steps.",
    ),
    Fault(
        "tools-without-jinja",
        "the server rejected the tools",
        "ToolCallingAgent sends a `tools` field (CodeAgent does not). llama-server accepts one only with --jinja, which "
        "has been the default since the end of 2025.",
        "Start the server without --no-jinja:  course serve --jinja",
    ),
    Fault(
        "template-refused",
        "the chat template rejected the messages",
        "The model's chat template raises an error for these roles: {roles}. Most templates accept a system message "
        "only at the beginning and require at least one user message.",
        "Rearrange the messages. To try them without generating:  server.apply_template(messages)",
    ),
    Fault(
        "grammar-rejected",
        "the server cannot use the grammar",
        "The request restricts the model's output with `{fields}`, and the server could not turn that into a grammar.",
        "Remove parts of it until the request is accepted. Keywords such as pattern, $ref and format are the usual cause. "
        "The server's log shows the position of the error.",
    ),
    Fault(
        "request-refused",
        "the server rejected the request",
        "{answered} The quote above is its reason, if it gave one.",
        "Fix what the server complains about. To see the whole request:  course view TAPE",
    ),
    Fault(
        "never-sent",
        "the request was never sent",
        "smolagents or its client raised an error before anything went over the wire. That ended the run.",
        "Read the last line of the error. Parameters unknown to the openai client belong in extra_body:  "
        "connect(server, tape, extra_body={{…}})",
    ),
    Fault(
        "prompt-cache-miss",
        "the prompt cache missed",
        "This request continues the previous one, which had {before} prompt tokens, but only {cached} came from the "
        "cache. The server had to process the rest again. {reason}",
        "{change}",
    ),
    Fault(
        "thinking-not-opened",
        "the prompt does not open a <think> block",
        "{expected} Without it, the model may skip its thinking or write it where the parser does not look. Possible "
        "causes are --no-jinja and a different chat template.",
        "Start the server with the model's own template:  course serve --jinja",
    ),
    Fault(
        "thinking-in-content",
        "the thinking leaked into content",
        "{setting} smolagents reads the thinking as part of the answer, and runs any code block in it.",
        "{change}",
    ),
    Fault(
        "decoy-ran",
        "code from the thinking was executed",
        "smolagents joins all code blocks in content and runs them from top to bottom. This one is part of leaked "
        "thinking: a draft, which the model may have rejected later.",
        "Discard the result and ask again on a server that keeps the thinking out of content:  course serve",
    ),
    Fault(
        "stop-in-thinking",
        "a stop sequence ended the thinking",
        "The request lists {stop} as a stop sequence, and llama-server stops there even inside the thinking. The "
        "response looks complete (finish_reason: stop), but the model has not written its answer.",
        "Let smolagents cut the text itself: use a model class with supports_stop_parameter = False, which sends no stop "
        "sequences.",
    ),
    Fault(
        "thinking-cut",
        "the thinking was cut off",
        "{limit} The model was still thinking, so there is no answer.",
        "{more}   or limit the thinking:  extra_body={{'reasoning_budget_tokens': {half}}}",
    ),
    Fault(
        "answer-cut",
        "the answer was cut off",
        "{limit} smolagents uses what has arrived, even half a code block.",
        "{more}   or ask for a shorter answer.",
    ),
    Fault(
        "empty-response",
        "the response is empty",
        "The model ended its turn {when}, with empty content. To the server that is a valid response.",
        'Read the last lines of the prompt (add "verbose": true to the request), or ask again with another seed.',
    ),
    Fault(
        "empty-step",
        "a step executed nothing",
        "The code is empty or has only comments. That is valid Python, so smolagents ran it, recorded the result None "
        "without an error, and used up a step.",
        "Check this turn's finish_reason and thinking to see why no code came:  course view TAPE",
    ),
    Fault(
        "no-code-block",
        "the answer has no code block",
        "smolagents looks for <code>…</code>, then for a Python fence, and then tries the whole text as Python. Nothing "
        "matched (an empty block does not count). The error goes back to the model and costs a step.",
        "If it happens again, use a larger model, or CodeAgent(…, use_structured_outputs_internally=True).",
    ),
    Fault(
        "no-tool-call",
        "the answer has no tool call",
        "The response has no tool_calls, so smolagents looked for a JSON object in content and found none.",
        "Check that the request has tool_choice: required and that the server runs with --jinja, or use a CodeAgent.",
    ),
    Fault(
        "syntax-error",
        "the code is not valid Python",
        "smolagents found code, but Python cannot parse it. None of it ran.",
        "One retry is normal. If it happens again, check whether the code was cut off or contains prose:  course view TAPE",
    ),
    Fault(
        "forbidden-import",
        "the code imports a forbidden module",
        "LocalPythonExecutor allows only the imports that rule 9 of the system prompt lists. {name} is not one of them.",
        "To allow it:  code_agent(model, additional_authorized_imports=['{name}'])",
    ),
    Fault(
        "forbidden-call",
        "the code calls an unknown function",
        "The executor knows the agent's tools, some builtins, and what the code itself defines. {name} is not among them.",
        "Give the agent a tool of that name, or state in the task which tools it has.",
    ),
    Fault(
        "empty-search",
        "a search found nothing",
        "smolagents' search tools raise this error if no page matches. {after}",
        "Try the query yourself, with fewer or rarer words:  OfflineSearch()({query})",
    ),
    Fault(
        "action-failed",
        "the action raised an error",
        "The agent's code or one of its tools stopped with this error. The model gets it as the next observation.",
        "One retry is normal. If it happens again, run the code yourself, or let the tool's error say what it expects.",
    ),
    Fault(
        "never-ended",
        "a step did not finish",
        "The step has neither a result nor an error. An interrupt, or an exception that smolagents does not turn into an "
        "observation, ended the run in the middle of it.",
        "If nobody interrupted it, look for an exception in the program's output, then run it again.",
    ),
    Fault(
        "repeated-action",
        "the same action was repeated",
        "It already ran in {first}, with the same result, so this step told the model nothing new.",
        "Change what the model sees: a clearer tool result, a hint in the task, or another temperature.",
    ),
    Fault(
        "observation-truncated",
        "the observation was truncated",
        "{what} The model never saw the rest.",
        "{change}",
    ),
    Fault(
        "max-steps",
        "the agent ran out of steps: its answer is a fallback",
        "No step called final_answer, so smolagents asked once more, with another system prompt, and took the text as the "
        "answer. It did not run any code in that text and skipped final_answer_checks.",
        "Do not rely on this answer. See what the steps were spent on, then allow more:  course ask --max-steps {more}",
    ),
)

KINDS = {fault.kind: fault for fault in _ALL}
ORDER = {kind: place for place, kind in enumerate(KINDS)}
