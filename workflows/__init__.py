"""What a workflow is and how one runs. No Slack, no SQL, no network, no clock of its own."""
