"""A workflow's own slash command: the way that must bear a burst, so it needs little."""

from bot.slack.arguments import fill, parse
from bot.slack.blocks import help_message
from bot.slack.form_replies import saying
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.payloads import Call
from bot.slack.requesting import Ask, accept, open_form, visibility_with, working_notice
from workflows.inputs import InvalidInputs

UMBRELLA = "/spanwise"
"""The one command that is no workflow's."""


async def workflow_command(call: Call, desk: FrontDesk, name: str, typed: str) -> Reply:
    """Accept the run, or open the form for what is missing."""
    desk.ask_ahead(call.person)
    actor = await desk.people.actor(call.person)
    released, answers = await desk.runs.opening(actor, name)
    arguments = parse(typed, released.face.asked_inputs)
    visibility = visibility_with(
        answers, call, released, public=arguments.is_public, private=arguments.is_private
    )
    if arguments.wants_help:
        return saying(desk, help_message(released, is_public=visibility == "channel"))
    ask = Ask(released, fill(released.face.asked_inputs, arguments), "command", visibility)
    try:
        accepted = await accept(call, desk, ask, actor)
    except InvalidInputs as error:
        return open_form(call, desk, ask, error.problems)
    return saying(desk, await working_notice(call, desk, ask, accepted))
