"""The local workspace: a Slack-shaped server and its web page."""
