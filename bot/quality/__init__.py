"""Feedback, scores and evaluation as values: pure functions, no writes."""
