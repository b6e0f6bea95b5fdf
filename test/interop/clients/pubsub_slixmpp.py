"""What slixmpp does with nodes by its own means (XEP-0060)."""

from outcome_slixmpp import outcome
from slixmpp.xmlstream import ET

PLUGINS = ("xep_0004", "xep_0060")
CONFIG = "http://jabber.org/protocol/pubsub#node_config"
PAYLOAD = "{urn:example:word}word"


def text_of(item):
    return item["payload"].text if item["payload"] is not None else None


async def discover(xmpp, command):
    """What kinds of services an address is (XEP-0060 §5.1)."""
    info = await xmpp["xep_0030"].get_info(jid=command["of"], cached=False)
    return {"kinds": sorted(f"{category}/{kind}" for category, kind, _, _ in info["disco_info"]["identities"])}


async def list_nodes(xmpp, command):
    found = await xmpp["xep_0060"].get_nodes(jid=command["of"])
    return {"nodes": sorted(node for _, node, _ in found["disco_items"]["items"])}


async def create(xmpp, command):
    form = xmpp["xep_0004"].make_form("submit")
    for name, value in command["config"].items():
        form.add_field(var=f"pubsub#{name}", value=value)
    return await outcome(xmpp["xep_0060"].create_node(command["of"], command["node"], config=form))


async def configure(xmpp, command):
    form = xmpp["xep_0004"].make_form("submit")
    form.add_field(var="FORM_TYPE", ftype="hidden", value=CONFIG)
    for name, value in command["config"].items():
        form.add_field(var=f"pubsub#{name}", value=value)
    return await outcome(xmpp["xep_0060"].set_node_config(command["of"], command["node"], form))


async def subscribe(xmpp, command):
    asked = xmpp["xep_0060"].subscribe(command["of"], command["node"])
    return await outcome(asked, lambda answer: {"subscription": answer["pubsub"]["subscription"]["subscription"]})


async def unsubscribe(xmpp, command):
    subscriptions = (await xmpp["xep_0060"].get_subscriptions(command["of"], command["node"]))["pubsub"]["subscriptions"]
    [subid] = [subscription["subid"] for subscription in subscriptions]
    return await outcome(xmpp["xep_0060"].unsubscribe(command["of"], command["node"], subid=subid or None))


async def publish(xmpp, command):
    payload = ET.Element(PAYLOAD)
    payload.text = command["text"]
    return await outcome(xmpp["xep_0060"].publish(command["of"], command["node"], id=command["id"], payload=payload))


async def retract(xmpp, command):
    return await outcome(xmpp["xep_0060"].retract(command["of"], command["node"], command["id"], notify="true"))


async def read(xmpp, command):
    asked = xmpp["xep_0060"].get_items(command["of"], command["node"])
    return await outcome(asked, lambda answer: {"texts": [text_of(item) for item in answer["pubsub"]["items"]]})


async def affiliate(xmpp, command):
    affiliations = [(command["jid"], command["affiliation"])]
    return await outcome(xmpp["xep_0060"].modify_affiliations(command["of"], command["node"], affiliations))


COMMANDS = {
    "kinds": ("found", discover),
    "nodes": ("found", list_nodes),
    "create-node": ("answered", create),
    "configure-node": ("answered", configure),
    "subscribe": ("answered", subscribe),
    "unsubscribe": ("answered", unsubscribe),
    "publish": ("answered", publish),
    "retract": ("answered", retract),
    "read": ("answered", read),
    "affiliate-node": ("answered", affiliate),
}
