"""Decisions, rendering and judging: pure functions of values."""
