"""auth.test, users.*, usergroups.*, bots.info, team.info, assistant status: who is who."""

from bot.workspace.blockkit import check_blocks, check_view
from bot.workspace.channel_access import writable
from bot.workspace.conversation_methods import paged
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, invalid_arguments, need
from bot.workspace.site import Site


def api_test(_site: Site, args: Json) -> Json:
    """api.test."""
    return {"ok": True, "args": args}


def auth_test(site: Site, _args: Json) -> Json:
    """auth.test."""
    return {
        "ok": True,
        "url": f"{site.base_url}/",
        "team": site.town.team_name,
        "team_id": site.town.team_id,
        "user": site.town.users[site.bot_user_id].name,
        "user_id": site.bot_user_id,
        "bot_id": site.bot_id,
        "is_enterprise_install": False,
    }


def users_info(site: Site, args: Json) -> Json:
    """users.info."""
    user = site.town.users.get(need(args, "user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"ok": True, "user": user.as_slack()}


def users_list(site: Site, args: Json) -> Json:
    """users.list."""
    page, more = paged([user.as_slack() for user in site.town.users.values()], args)
    return {"ok": True, "members": list(page)} | more


def usergroups_list(site: Site, args: Json) -> Json:
    """usergroups.list; the members only when `include_users` asks for them."""
    with_users = str(args.get("include_users", "")).lower() in ("1", "true")
    groups = site.town.usergroups.values()
    return {
        "ok": True,
        "usergroups": [group.as_slack(site.town.team_id, with_users=with_users) for group in groups],
    }


def usergroup_users(site: Site, args: Json) -> Json:
    """usergroups.users.list."""
    group = need(args, "usergroup")
    if group not in site.town.usergroups:
        raise Refusal("no_such_subteam")
    return {"ok": True, "users": list(site.town.usergroups[group].members)}


def bots_info(site: Site, args: Json) -> Json:
    """bots.info."""
    if str(args.get("bot") or site.bot_id) != site.bot_id:
        raise Refusal("bot_not_found")
    bot = {"id": site.bot_id, "app_id": site.app_id, "user_id": site.bot_user_id, "deleted": False}
    return {"ok": True, "bot": bot | {"name": site.installation.name}}


def team_info(site: Site, _args: Json) -> Json:
    """team.info."""
    name = site.town.team_name
    return {"ok": True, "team": {"id": site.town.team_id, "name": name, "domain": name.lower()}}


def set_status(site: Site, args: Json) -> Json:
    """assistant.threads.setStatus: shown until the app's next message there."""
    channel = writable(site, {"channel": need(args, "channel_id")})
    thread_ts = need(args, "thread_ts")
    if site.town.find(channel.id, thread_ts) is None:
        raise Refusal("thread_not_found")
    if len(args.get("loading_messages") or ()) > 10:
        raise invalid_arguments("no more than 10 items allowed [json-pointer:/loading_messages]")
    site.tell("status", channel=channel.id, subject=(thread_ts, str(args.get("status") or "")))
    return {"ok": True}


def validate_blocks(_site: Site, args: Json) -> Json:
    """blocks.validate: exactly one of blocks, message and view."""
    given = [name for name in ("blocks", "message", "view") if args.get(name) is not None]
    if len(given) != 1:
        raise invalid_arguments("provide exactly one of blocks, message, view")
    subject = args[given[0]]
    if given[0] == "message":
        subject = subject.get("blocks") if isinstance(subject, dict) else subject
    problems = check_view(subject) if given[0] == "view" else check_blocks(subject)
    if problems:
        raise Refusal("invalid_blocks", errors=[problem.as_slack() for problem in problems])
    return {"ok": True}
