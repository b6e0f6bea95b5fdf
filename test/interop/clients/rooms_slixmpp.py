"""What slixmpp does by its own means in rooms (XEP-0045)."""

from outcome_slixmpp import outcome
from slixmpp.exceptions import PresenceError
from slixmpp.xmlstream import ET
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

PLUGINS = ("xep_0045", "xep_0199", "xep_0249", "xep_0421", "xep_0425")
MODERATE = "urn:xmpp:message-moderate:1"
RETRACT = "urn:xmpp:message-retract:1"
CONDITIONS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
HATS = "{urn:xmpp:hats:0}"
USER = "{http://jabber.org/protocol/muc#user}"


def watch(xmpp, tell):
    """Tells what happens in rooms, and of invitations."""

    def on_presence(presence):
        item = presence.xml.find(f"{USER}x/{USER}item")
        told = {name: value for name in ("nick", "jid") if (value := item is not None and item.get(name))}
        if (reason := presence.xml.findtext(f"{USER}x/{USER}item/{USER}reason")) is not None:
            told["reason"] = reason
        muc = presence["muc"]
        destroyed = presence.xml.find(f"{USER}x/{USER}destroy")
        if destroyed is not None:
            told |= {"instead": destroyed.get("jid"), "reason": destroyed.findtext(f"{USER}reason")}
        hats = [hat.get("title") for hat in presence.xml.iterfind(f"{HATS}hats/{HATS}hat")]
        facts = {"role": muc["role"], "affiliation": muc["affiliation"], "codes": sorted(muc["status_codes"]), "hats": hats, **told}
        tell("occupant", **{"from": str(presence["from"]), "type": presence["type"], **facts})

    def on_retraction(message):
        retract = message.xml.find(f"{{{RETRACT}}}retract")
        moderated = retract.find(f"{{{MODERATE}}}moderated") is not None
        tell("retraction", **{"from": str(message["from"]), "of": retract.get("id"), "isModerated": moderated})

    def on_subject(message):
        tell("subject", **{"from": str(message["from"]), "subject": message["subject"]})

    def on_invite(message):
        invite = message["muc"]["invite"]
        tell("invited", room=message["from"].bare, by=str(invite["from"]), reason=invite["reason"], isMediated=True)

    def on_direct_invite(message):
        invite = message["groupchat_invite"]
        tell("invited", room=str(invite["jid"]), by=str(message["from"]), reason=invite["reason"], isMediated=False)

    def on_reconfigured(message):
        tell("reconfigured", room=message["from"].bare, codes=sorted(message["muc"]["status_codes"]))

    def on_error(message):
        # Not by the client's own means: this version does not know all conditions of RFC 6120 §8.3.3.
        conditions = [child.tag.removeprefix(CONDITIONS) for child in message["error"].xml if child.tag.startswith(CONDITIONS)]
        tell("refused", **{"from": str(message["from"]), "condition": conditions[0]})

    xmpp.add_event_handler("groupchat_config_status", on_reconfigured)
    xmpp.add_event_handler("message_error", on_error)
    xmpp.add_event_handler("groupchat_presence", on_presence)
    xmpp.register_handler(Callback("Retraction", MatchXPath(f"{{{xmpp.default_ns}}}message/{{{RETRACT}}}retract"), on_retraction))
    xmpp.add_event_handler("groupchat_subject", on_subject)
    xmpp.add_event_handler("groupchat_invite", on_invite)
    xmpp.add_event_handler("groupchat_direct_invite", on_direct_invite)


async def enter(xmpp, command):
    """Comes back when all has come that a room sends to who enters, in its order (XEP-0045 §7.1); gives the condition if it refuses."""
    room = command["room"]
    try:
        presence, subject, others, history = await xmpp["xep_0045"].join_muc_wait(
            room, command["nick"], password=command.get("password"), maxstanzas=20, timeout=15
        )
    except PresenceError as error:
        return {"room": room, "refused": error.condition}
    before = [{"from": str(message["from"]), "body": message["body"]} for message in history]
    nicks = sorted({str(other["from"].resource) for other in others})
    return {"room": room, "codes": sorted(presence["muc"]["status_codes"]), "others": nicks, "history": before, "subject": subject["subject"]}


async def leave(xmpp, command):
    xmpp["xep_0045"].leave_muc(command["room"], xmpp["xep_0045"].our_nicks[command["room"]])
    return {}


async def rename(xmpp, command):
    xmpp.send_presence(pto=f"{command['room']}/{command['nick']}")
    return {}


async def list_present(xmpp, command):
    return {"nicks": sorted(xmpp["xep_0045"].get_roster(command["room"]))}


async def set_subject(xmpp, command):
    xmpp["xep_0045"].set_subject(command["room"], command["subject"])
    return {}


async def configure(xmpp, command):
    """Of the form that the room gives, changes these fields; gives the names of all."""
    form = await xmpp["xep_0045"].get_room_config(command["room"])
    names = sorted(form.get_fields())
    for name, value in command["values"].items():
        form.get_fields()[name]["value"] = value
    await xmpp["xep_0045"].set_room_config(command["room"], form)
    return {"fields": names}


async def set_role(xmpp, command):
    return await outcome(xmpp["xep_0045"].set_role(command["room"], command["nick"], command["role"], reason=command.get("reason", "")))


async def set_affiliation(xmpp, command):
    reason = command.get("reason", "")
    return await outcome(xmpp["xep_0045"].set_affiliation(command["room"], command["affiliation"], jid=command["jid"], reason=reason))


async def invite(xmpp, command):
    """By way of the room."""
    xmpp["xep_0045"].invite(command["room"], command["jid"], command["reason"])
    return {}


async def destroy(xmpp, command):
    return await outcome(xmpp["xep_0045"].destroy(command["room"], command["reason"], command["instead"]))


async def discover(xmpp, command):
    """What somebody is called (XEP-0030)."""
    asked = xmpp["xep_0030"].get_info(jid=command["of"], cached=False)
    return await outcome(asked, lambda answer: {"names": sorted(identity[3] or "" for identity in answer["disco_info"]["identities"])})


async def moderate(xmpp, command):
    """XEP-0425 as it is today, which this version does not know yet."""
    asked = ET.Element(f"{{{MODERATE}}}moderate", id=command["id"])
    ET.SubElement(asked, f"{{{RETRACT}}}retract")
    ET.SubElement(asked, f"{{{MODERATE}}}reason").text = command["reason"]
    return await outcome(xmpp.make_iq_set(asked, ito=command["room"]).send())


async def read_room(xmpp, command):
    """The archive of a room, page by page, from the beginning or from the end (XEP-0313)."""
    isBackwards = command.get("isBackwards", False)
    found = xmpp["xep_0313"].iterate(jid=command["room"], rsm={"max": command.get("max", 50)}, reverse=isBackwards)
    said = []
    async for result in found:
        message = result["mam_result"]["forwarded"]["stanza"]
        tombstone = message.xml.find(f"{{{RETRACT}}}retracted")
        said.append({"from": str(message["from"]), "body": message["body"], "isRetracted": tombstone is not None})
    return {"messages": [entry for entry in said if entry["body"] or entry["isRetracted"]]}


async def ping(xmpp, command):
    """XEP-0410: whether it is still in there."""
    return await outcome(xmpp["xep_0199"].send_ping(f"{command['room']}/{command['nick']}"))


COMMANDS = {
    "enter": ("entered", enter),
    "leave": ("did", leave),
    "rename": ("did", rename),
    "present": ("present", list_present),
    "subject": ("did", set_subject),
    "configure": ("configured", configure),
    "role": ("answered", set_role),
    "affiliate": ("answered", set_affiliation),
    "invite": ("did", invite),
    "destroy": ("answered", destroy),
    "discover": ("found", discover),
    "moderate": ("answered", moderate),
    "read-room": ("history", read_room),
    "ping": ("answered", ping),
}
