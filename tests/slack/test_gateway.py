"""The way out: which addresses are Slack's, and what is asked how often."""

import pytest
from slack_checks import shown

from bot.slack.blocks import notice
from bot.slack.gateway import Gateway, SlackRefused, open_client
from bot.slack.manifest import build
from bot.workspace.workspace_server import Workspace
from tests.fakes import FakeClock


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/response/1",
        "http://hooks.slack.com/commands/1",
        "https://slack.com.evil.example/",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "",
    ],
)
async def test_a_response_url_that_is_not_slacks_is_never_called(url: str) -> None:
    gateway = Gateway(open_client("xoxb-test"), FakeClock())
    with pytest.raises(SlackRefused) as caught:
        await gateway.respond(url, notice("x"))
    assert caught.value.reason == "foreign_response_url"


async def test_whispers_views_and_homes_are_sealed() -> None:
    workspace = Workspace(build(()))
    await workspace.start()
    try:
        gateway = Gateway(open_client("xoxb-test", workspace.api_url), FakeClock())
        await gateway.whisper("C0PEOPLE", "U0ANA", notice("<!channel> <https://evil.example|x>"))
        whispered = shown(workspace.town.ephemerals("C0PEOPLE", "U0ANA")[0].blocks)
        assert whispered == "&lt;!channel&gt; x (https://evil.example)"
        hostile = {
            "type": "home",
            "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!here>"}}],
        }
        await gateway.publish_home("U0ANA", hostile)
        assert "<!here>" not in shown(workspace.site.desk.homes["U0ANA"].blocks)
    finally:
        await workspace.stop()


async def test_a_missing_scope_is_named() -> None:
    manifest = build(())
    manifest["oauth_config"]["scopes"]["bot"].remove("users:read")
    workspace = Workspace(manifest)
    await workspace.start()
    try:
        gateway = Gateway(open_client("xoxb-test", workspace.api_url), FakeClock())
        with pytest.raises(SlackRefused) as caught:
            await gateway.call("users_info", user="U0ANA")
        assert caught.value.facts == {"reason": "missing_scope", "needed": "users:read"}
    finally:
        await workspace.stop()
