"""The only code that knows Slack."""
