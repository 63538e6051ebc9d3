"""The people and channels that `make demo` starts with: the invented company Larkfield."""

from bot.workspace.town import Town
from bot.workspace.town_records import Channel, User, UserGroup

BOT_USER_ID = "U0SPAN"
BOT_ID = "B0SPAN"
APP_ID = "A0SPAN"


def default_town() -> Town:
    """A new Larkfield: four channels, five people and the bot, nothing said yet."""
    everyone = ["U0ANA", "U0BEN", "U0CHLOE", "U0DEV", "U0EVA"]
    leads = ["U0CHLOE", "U0DEV", "U0EVA"]
    return Town(
        team_id="T0SPAN",
        team_name="Larkfield",
        users=[
            User("U0ANA", "ana", "Ana Costa", "Field engineer", "2b6cb0", timezone="Europe/Lisbon"),
            User("U0BEN", "ben", "Ben Okafor", "Support specialist", "c05621"),
            User("U0CHLOE", "chloe", "Chloe Martin", "People Operations", "6b46c1"),
            User("U0DEV", "dev", "Dev Patel", "IT", "2f855a", is_admin=True),
            User("U0EVA", "eva", "Eva Lindqvist", "Finance", "b83280", timezone="America/Toronto"),
            User(BOT_USER_ID, "spanwise", "Spanwise", "App", "1a202c", is_bot=True),
        ],
        channels=[
            Channel("C0GENERAL", "general", topic="Everything Larkfield", members=[*everyone, BOT_USER_ID]),
            Channel(
                "C0PEOPLE",
                "people-questions",
                topic="Leave, benefits, expenses",
                members=[*everyone, BOT_USER_ID],
            ),
            Channel(
                "C0SUPPORT",
                "it-and-facilities",
                topic="Laptops, badges, buildings",
                members=[*everyone, BOT_USER_ID],
            ),
            Channel("C0LEADS", "leads", "group", topic="Team leads", members=list(leads)),
        ],
        usergroups=[
            UserGroup("S0LEADS", "leads", "Team leads", list(leads), "Everyone who leads a team"),
            UserGroup("S0PILOTS", "pilots", "Pilot circle", ["U0BEN", "U0EVA"], "Try new things first"),
        ],
    )
