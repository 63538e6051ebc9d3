"""How a queued run reaches a worker sooner than its next look. The run row stays the truth."""
