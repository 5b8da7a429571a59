"""The agents' tools: an offline web search with its pages, and two tools for agents that do not write code."""
