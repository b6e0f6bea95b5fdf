"""What slixmpp does by its own means with its archive, its password and the commands of its account."""

from datetime import datetime

PLUGINS = ("xep_0004", "xep_0050", "xep_0077", "xep_0313", "xep_0359", "xep_0441")


def described(message):
    """A message of the archive (XEP-0313 §4.2)."""
    result = message["mam_result"]
    kept = result["forwarded"]["stanza"]
    stamp = result["forwarded"]["delay"]["stamp"]
    return {"stanzaId": result["id"], "stamp": stamp.isoformat(), **addressed(kept)}


def addressed(message):
    addresses = {"from": str(message["from"]), "to": str(message["to"])}
    return {"id": message["id"], "type": message["type"], **addresses, "body": message["body"]}


def described_live(message, account):
    """With the id that the account's own server gave, if it gave one (XEP-0359)."""
    by, stanza_id = message["stanza_id"]["by"], message["stanza_id"]["id"]
    return addressed(message) | ({"stanzaId": stanza_id} if by == account else {})


def limits(command):
    times = {name: datetime.fromisoformat(command[name].replace("Z", "+00:00")) for name in ("start", "end") if name in command}
    return {**times, "with_jid": command.get("with"), "reverse": command.get("isBackwards", False)}


async def read_all(xmpp, command):
    """Page by page, to the end."""
    found = xmpp["xep_0313"].iterate(rsm={"max": command["max"]}, **limits(command))
    messages = [described(message) async for message in found]
    if command.get("isBackwards"):
        messages.reverse()
    return {"messages": messages}


async def read_metadata(xmpp, _command):
    metadata = (await xmpp["xep_0313"].get_archive_metadata())["mam_metadata"]
    return {name: {"stanzaId": metadata[name]["id"], "stamp": metadata[name]["timestamp"].isoformat()} for name in ("start", "end")}


async def read_preferences(xmpp, _command):
    usual, always, never = await xmpp["xep_0441"].get_preferences()
    return {"usual": usual, "always": sorted(map(str, always)), "never": sorted(map(str, never))}


async def set_preferences(xmpp, command):
    await xmpp["xep_0441"].set_preferences(command["usual"], command["always"], command["never"])
    return await read_preferences(xmpp, command)


async def change_password(xmpp, command):
    await xmpp["xep_0077"].change_password(command["password"], jid=xmpp.boundjid.domain)
    return {}


async def run_command(xmpp, command):
    """A command of the account with one form (XEP-0050)."""
    commands, me = xmpp["xep_0050"], xmpp.boundjid.bare
    listed = await commands.get_commands(jid=me)
    asked = (await commands.send_command(me, command["node"]))["command"]
    usual = {var: field["value"] for var, field in asked["form"].get_fields().items()}
    answer = xmpp["xep_0004"].make_form("submit")
    for var, value in command["values"].items():
        answer.add_field(var=var, value=value)
    done = (await commands.send_command(me, command["node"], action="complete", payload=answer, sessionid=asked["sessionid"]))["command"]
    return {"isListed": any(item[1] == command["node"] for item in listed["disco_items"]["items"]), "usual": usual, "status": done["status"]}


COMMANDS = {
    "all": ("history", read_all),
    "metadata": ("metadata", read_metadata),
    "preferences": ("preferences", read_preferences),
    "prefer": ("preferences", set_preferences),
    "change-password": ("password", change_password),
    "run": ("ran", run_command),
}
