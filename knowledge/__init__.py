"""Documents to passages with citations. Knows nothing of workflows or Slack."""
