"""What agents are given: an offline web search with its pages, and two tools for agents that write no code."""
