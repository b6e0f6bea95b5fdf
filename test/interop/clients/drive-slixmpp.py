"""slixmpp, told by lines what to do. It knows SCRAM with every hash, and stream management."""

import asyncio
import json
import logging
import os
import sys

import archive_slixmpp as archive
import pubsub_slixmpp as pubsub
import room_extensions_slixmpp as extensions
import rooms_slixmpp as rooms
import slixmpp
from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET

options = json.loads(sys.argv[1])
told, sys.stdout = sys.stdout, sys.stderr  # where the client prints what it sees of histories


def tell(event, **facts):
    print(json.dumps({"event": event, **facts}), file=told, flush=True)


class Device(slixmpp.ClientXMPP):
    def __init__(self):
        super().__init__(options["jid"] + "/slixmpp", options["password"], plugin_config=self.mechanism_config())
        self.ca_certs = options["ca"]
        for plugin in ("xep_0030", "xep_0198", "xep_0280", *archive.PLUGINS, *pubsub.PLUGINS, *rooms.PLUGINS, *extensions.PLUGINS):
            self.register_plugin(plugin)
        if "watch" in options:
            self.register_plugin("xep_0163")
        if "alpn" in options:
            self.ssl_context.set_alpn_protocols([options["alpn"]])
        if "token" in options:
            # This version otherwise keeps its own registration back until it has logged in.
            self._always_send_everything = True
            self.ask_for_form = self["xep_0077"].get_registration
            self["xep_0077"].get_registration = self.show_token
            self.add_event_handler("register", self.register_account)
        handlers = {
            "auth_success": self.on_authenticated,
            "failed_all_auth": self.on_refused,
            "session_start": self.on_online,
            "session_resumed": self.on_resumed,
            "disconnected": self.on_lost,
            "message": self.on_message,
            "carbon_sent": self.on_carbon_sent,
            "carbon_received": self.on_carbon_received,
            "pubsub_publish": self.on_published,
            "pubsub_retract": self.on_retracted,
        }
        for event, handler in handlers.items():
            self.add_event_handler(event, handler)
        for kind in ("available", "unavailable", "subscribe", "subscribed", "unsubscribe", "unsubscribed", "error"):
            self.add_event_handler("presence_" + kind, self.on_presence)
        rooms.watch(self, tell)
        extensions.watch(self, tell)
        # The test approves subscriptions itself.
        self.auto_authorize = None
        self.auto_subscribe = False

    def mechanism_config(self):
        if options.get("isAsShipped"):
            return {}
        # This version binds with tls-unique, which TLS 1.3 does not have (RFC 9266 §1); so it says that it cannot bind.
        mechanisms = {options["mechanism"]} if "mechanism" in options else {"SCRAM-SHA-256", "SCRAM-SHA-1"}
        return {"feature_mechanisms": {"use_mechs": mechanisms, "sasl_callback": self.credentials_without_binding}}

    def credentials_without_binding(self, required, optional):
        credentials = self["feature_mechanisms"]._default_credentials(required, optional)
        return credentials | {"channel_binding": None}

    def start(self):
        direct = options["tls"] == "direct"
        # It resolves the name itself, and then forgets the port that it was given.
        self.default_port = options["port"]
        self.connect((options["host"], options["port"]), use_ssl=direct, disable_starttls=direct)

    async def show_token(self):
        """XEP-0445, which the client does not know."""
        token = ET.Element("{urn:xmpp:pars:0}preauth", token=options["token"])
        try:
            await self.make_iq_set(token, ito=self.boundjid.domain).send()
        except IqError as error:
            tell("failed", command="register", reason=error.condition)
        return await self.ask_for_form()

    async def register_account(self, _form):
        iq = self.make_iq_set(ito=self.boundjid.domain)
        iq["register"]["username"] = self.boundjid.user
        iq["register"]["password"] = options["password"]
        await iq.send()
        tell("registered")

    def on_authenticated(self, _):
        self.used = self["feature_mechanisms"].mech.name

    async def on_online(self, _):
        # Only who has asked for the roster is told of subscriptions (RFC 6121 §2.2).
        await self.get_roster()
        if "watch" in options:
            self["xep_0163"].add_interest(options["watch"])
            await self["xep_0115"].update_caps(broadcast=False)
        tls = self.transport.get_extra_info("ssl_object")
        tell("online", jid=str(self.boundjid), mechanism=self.used, profile="SASL", tls=tls.version(), alpn=tls.selected_alpn_protocol())

    def on_lost(self, _):
        tell("closed" if self.closing else "lost")

    def on_resumed(self, _):
        tell("resumed")

    def on_refused(self, _):
        tell("failed", command="connect", reason="not-authorized")

    def on_message(self, message):
        if message["type"] != "error":
            self.tell_message(message)

    def on_carbon_sent(self, message):
        self.on_carbon(message["carbon_sent"], "sent")

    def on_carbon_received(self, message):
        self.on_carbon(message["carbon_received"], "received")

    def on_carbon(self, message, kind):
        self.tell_message(message, carbon=kind)

    def tell_message(self, message, **more):
        tell("message", **archive.described_live(message, self.boundjid.bare), **more)

    def on_presence(self, presence):
        tell("presence", **{"from": str(presence["from"]), "type": presence["type"]})

    def on_published(self, message):
        items = message["pubsub_event"]["items"]
        by = str(message["from"])
        tell("published", **{"from": by, "node": items["node"], "id": items["item"]["id"], "text": pubsub.text_of(items["item"])})

    def on_retracted(self, message):
        items = message["pubsub_event"]["items"]
        tell("retracted", node=items["node"], id=items["retract"]["id"])

    closing = False

    async def obey(self, command):
        if command["do"] in COMMANDS:
            event, obey = COMMANDS[command["do"]]
            return tell(event, **await obey(self, command))
        match command["do"]:
            case "connect" | "reconnect":
                self.start()
            case "send":
                for body in command["bodies"]:
                    self.send_message(mto=command["to"], mbody=body, mtype="chat")
                tell("sent")
            case "presence":
                self.send_presence(pto=command.get("to"), ptype=command.get("type"))
            case "join":
                # And does not wait for what a room sends to who enters.
                presence = self.make_presence(pto=command["room"] + "/" + command["nick"])
                presence.enable("muc_join")
                presence.send()
            case "say":
                self.send_message(mto=command["room"], mbody=command["body"], mtype="groupchat")
            case "items":
                found = await self["xep_0030"].get_items(jid=command["of"])
                tell("items", items=[item[0] for item in found["disco_items"]["items"]])
            case "carbons":
                await self["xep_0280"].enable()
                tell("carbons")
            case "close":
                self.closing = True
                # XEP-0198 §4: recommended, but the client does not do it of itself.
                self["xep_0198"].send_ack()
                self.disconnect()


COMMANDS = {**archive.COMMANDS, **pubsub.COMMANDS, **rooms.COMMANDS, **extensions.COMMANDS}


async def read_commands(device):
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        try:
            await device.obey(json.loads(line))
        except Exception as error:
            tell("failed", command=line.decode(), reason=repr(error))
    os._exit(0)


if os.environ.get("INTEROP_WIRE"):
    logging.basicConfig(level=logging.DEBUG, format="%(message)s")
device = Device()
device.loop.run_until_complete(read_commands(device))
