"""LangGraph definitions, found by name through the entry points ``rclagent.graphs``."""
