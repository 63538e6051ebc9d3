"""views.*: modals and App Home."""

from bot.workspace.noticeboard import Json
from bot.workspace.refusal import Refusal, invalid_arguments, need
from bot.workspace.site import Site
from bot.workspace.view_desk import OpenView


def open_view(site: Site, args: Json) -> Json:
    """views.open."""
    trigger = site.triggers.redeem(need(args, "trigger_id"))
    return _answer(site.desk.open(trigger.person, args.get("view")))


def push_view(site: Site, args: Json) -> Json:
    """views.push: only with a trigger that came from a modal."""
    trigger = site.triggers.redeem(need(args, "trigger_id"))
    if not any(view.id == trigger.view_id for view in site.desk.stack(trigger.person)):
        raise Refusal("invalid_trigger_id")
    return _answer(site.desk.push(trigger.person, args.get("view")))


def update_view(site: Site, args: Json) -> Json:
    """views.update, by view_id or external_id."""
    if not (args.get("view_id") or args.get("external_id")):
        raise invalid_arguments("missing required field: view_id")
    view = site.desk.find(str(args.get("view_id") or "")) or site.desk.find_external(
        str(args.get("external_id") or "")
    )
    if view is None:
        raise Refusal("not_found")
    return _answer(site.desk.update(view, args.get("view"), str(args.get("hash") or "")))


def publish_view(site: Site, args: Json) -> Json:
    """views.publish."""
    if not site.installation.has_home:
        raise Refusal("not_enabled")
    person = need(args, "user_id")
    if person not in site.town.users:
        raise Refusal("user_not_found")
    return _answer(site.desk.publish(person, args.get("view"), str(args.get("hash") or "")))


def _answer(view: OpenView) -> Json:
    return {"ok": True, "view": view.as_slack()}
