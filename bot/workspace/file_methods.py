"""files.*: the three steps of an upload, and what is known of a file."""

from bot.workspace.channel_access import writable
from bot.workspace.chat_methods import root_of
from bot.workspace.noticeboard import Json
from bot.workspace.refusal import invalid_arguments, need
from bot.workspace.site import Site
from bot.workspace.town_records import Message


def upload_url(site: Site, args: Json) -> Json:
    """files.getUploadURLExternal."""
    name, length = need(args, "filename"), need(args, "length")
    if not length.isdecimal() or int(length) < 1:
        raise invalid_arguments("length must be a positive number [json-pointer:/length]")
    file = site.shelf.promise(name, int(length), site.bot_user_id, str(args.get("alt_txt") or ""))
    return {"ok": True, "file_id": file.id, "upload_url": f"{site.base_url}/upload/{file.id}"}


def complete_upload(site: Site, args: Json) -> Json:
    """files.completeUploadExternal: with a channel, also posts the files there."""
    wanted = args.get("files")
    if not isinstance(wanted, list) or not wanted:
        raise invalid_arguments("missing required field: files")
    targets = [one for one in str(args.get("channels") or args.get("channel_id") or "").split(",") if one]
    channels = [writable(site, {"channel": target}) for target in targets]
    finished = [site.shelf.finish(str(one.get("id")), str(one.get("title") or "")) for one in wanted]
    described = [file.as_slack(site.base_url) for file in finished]
    for channel in channels:
        message = Message(
            ts="",
            channel=channel.id,
            user=site.bot_user_id,
            text=str(args.get("initial_comment") or ""),
            thread_ts=root_of(site, channel, args),
            bot_id=site.bot_id,
            app_id=site.app_id,
            subtype="file_share",
            files=described,
        )
        site.town.say(message)
    return {"ok": True, "files": described}


def file_info(site: Site, args: Json) -> Json:
    """files.info."""
    return {"ok": True, "file": site.shelf.find(need(args, "file")).as_slack(site.base_url)}
