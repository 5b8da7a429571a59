"""An agent of LangGraph repeats a call until it gives up. Where the server is, the environment says.

python loop_langgraph.py MODEL
"""

import sys
from typing import Literal

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.errors import GraphRecursionError
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode, tools_condition

(model,) = sys.argv[1:]


@tool
def add(a: Literal[2], b: Literal[2]) -> int:
    """Add two numbers."""
    print(f"add({a}, {b})")
    return a + b


chat = ChatOpenAI(model=model).bind_tools([add])
graph = StateGraph(MessagesState)
graph.add_node("ask", lambda state: {"messages": [chat.invoke(state["messages"])]})
graph.add_node("tools", ToolNode([add]))
graph.add_edge(START, "ask")
graph.add_conditional_edges("ask", tools_condition)
graph.add_edge("tools", "ask")
asked = {"messages": [("user", "Call add.")]}
try:
    graph.compile().invoke(asked, {"recursion_limit": 6})
except GraphRecursionError as error:
    print(type(error).__name__)
