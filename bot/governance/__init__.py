"""Decides who may do what, and what may change: pure functions of values, no effects."""
