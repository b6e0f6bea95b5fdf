"""What slixmpp does in rooms with forms, cards and archives, some of which it is told stanza by stanza."""

import base64

from outcome_slixmpp import outcome
from slixmpp.xmlstream import ET

PLUGINS = ("xep_0004", "xep_0050", "xep_0054", "xep_0059", "xep_0128")
SEARCH = "urn:xmpp:channel-search:0"
VOICE = "http://jabber.org/protocol/muc#request"


def watch(xmpp, tell):
    """Tells of visitors who ask the moderators for voice (XEP-0045 §8.6)."""

    def on_form(message):
        values = message["form"].get_values()
        if values.get("FORM_TYPE") == [VOICE]:
            xmpp.voice_request = message["form"]
            tell("voice", room=message["from"].bare, nick=values["muc#roomnick"], jid=values["muc#jid"])

    xmpp.add_event_handler("message_xform", on_form)


async def ask_voice(xmpp, command):
    xmpp["xep_0045"].request_voice(command["room"], "participant")
    return {}


async def answer_voice(xmpp, command):
    """Sends back the form that came last."""
    form = xmpp.voice_request
    form["type"] = "submit"
    form.get_fields()["muc#request_allow"]["value"] = command["isAllowed"]
    message = xmpp.make_message(command["room"])
    message.append(form)
    message.send()
    return {}


async def set_card(xmpp, command):
    """With this photo, or without anything (XEP-0486)."""
    card = xmpp["xep_0054"].make_vcard()
    if "photo" in command:
        card["PHOTO"]["TYPE"] = "image/png"
        card["PHOTO"]["BINVAL"] = base64.b64decode(command["photo"])
    asked = xmpp.make_iq_set(ito=command["room"])
    asked.append(card)
    return await outcome(asked.send())


async def read_card(xmpp, command):
    asked = xmpp["xep_0054"].get_vcard(command["room"], local=False)
    return await outcome(asked, lambda answer: {"photo": base64.b64encode(answer["vcard_temp"]["PHOTO"]["BINVAL"]).decode()})


async def read_form(xmpp, command):
    """What the room says of itself in a form (XEP-0045 §6.4)."""
    info = (await xmpp["xep_0030"].get_info(jid=command["room"], cached=False))["disco_info"]
    return {"fields": info["form"].get_values()}


async def run_command(xmpp, command):
    """A command of the room, whose form is filled with these values (XEP-0317 §5)."""
    commands, room, node = xmpp["xep_0050"], command["room"], command["node"]

    async def run():
        asked = (await commands.send_command(room, node))["command"]
        answer = xmpp["xep_0004"].make_form("submit")
        for name, value in {"FORM_TYPE": "urn:xmpp:hats:commands", **command["values"]}.items():
            answer.add_field(var=name, value=value)
        await commands.send_command(room, node, action="complete", payload=answer, sessionid=asked["sessionid"])

    return await outcome(run())


async def search(xmpp, command):
    """XEP-0433."""
    form = xmpp["xep_0004"].make_form("submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value=f"{SEARCH}:search-params")
    form.add_field(var="q", value=command["words"])
    asked = ET.Element(f"{{{SEARCH}:search}}search")
    asked.append(form.xml)
    iq = xmpp.make_iq_get(ito=command["of"])
    iq.append(asked)
    items = (await iq.send()).xml.iterfind(f"{{{SEARCH}:search}}result/{{{SEARCH}:search}}item")
    return {"rooms": [item.get("address") for item in items]}


async def read_page(xmpp, command):
    """One page of the room's archive (XEP-0313, XEP-0059)."""
    ends = {name: command[name] for name in ("max", "after") if name in command}
    return await outcome(xmpp["xep_0313"].retrieve(jid=command["room"], rsm=ends), page_in)


def page_in(answer):
    results = [message["mam_result"] for message in answer["mam"]["results"]]
    said = [{"id": result["id"], "body": result["forwarded"]["stanza"]["body"]} for result in results]
    return {"said": said, "isComplete": answer.xml.find("{urn:xmpp:mam:2}fin").get("complete") == "true"}


COMMANDS = {
    "ask-voice": ("did", ask_voice),
    "answer-voice": ("did", answer_voice),
    "set-card": ("answered", set_card),
    "card": ("card", read_card),
    "form": ("form", read_form),
    "command": ("answered", run_command),
    "search": ("found", search),
    "page": ("page", read_page),
}
