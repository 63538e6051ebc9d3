"""What the doctor learns of Slack: the channels that settings name, and whether we can post there."""

from bot.doctor import channels_named
from bot.settings import Secret, Settings
from bot.slack.manifest import build
from bot.workspace.workspace_server import Workspace


async def test_channels_that_settings_name_are_looked_at() -> None:
    workspace = Workspace(build(()))
    await workspace.start()
    try:
        settings = Settings(
            slack_api_url=workspace.api_url,
            slack_bot_token=Secret("xoxb-test"),
            admin_channel="C0LEADS",
            alert_channel="C0PEOPLE",
            review_channel="C0NOWHERE",
        )
        admins, alerts, reviews = await channels_named(settings)
        assert (admins.name, admins.is_ok, "/invite" in admins.fix) == ("SPANWISE_ADMIN_CHANNEL", False, True)
        assert alerts.is_ok and not alerts.fix
        assert not reviews.is_ok and "channel_not_found" in reviews.detail
        assert await channels_named(Settings()) == []
    finally:
        await workspace.stop()
