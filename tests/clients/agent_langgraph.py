"""An agent of LangGraph calls a tool, then answers. Where the server is, the environment says.

python agent_langgraph.py MODEL GRAMMAR
"""

import sys
from typing import Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

model, grammar = sys.argv[1:]


@tool
def add(a: Literal[2], b: Literal[2]) -> int:
    """Add two numbers."""
    print(f"add({a}, {b})")
    return a + b


def ask(state: MessagesState) -> dict:
    done = state["messages"][-1].type == "tool"
    body = {"grammar": grammar} if done else {}  # The server takes no grammar where it reads tool calls.
    chat = ChatOpenAI(model=model, temperature=0, max_tokens=400, extra_body=body)
    bound = chat.bind_tools([add], tool_choice="none" if done else "required")
    return {"messages": [bound.invoke(state["messages"])]}


graph = StateGraph(MessagesState)
graph.add_node("ask", ask)
graph.add_node("tools", ToolNode([add]))
graph.add_edge(START, "ask")
graph.add_conditional_edges("ask", tools_condition)
graph.add_edge("tools", "ask")
asked = {"messages": [("user", "Call add.")]}
print(graph.compile().invoke(asked)["messages"][-1].text)
