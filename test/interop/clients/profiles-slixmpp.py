"""Two users of slixmpp set in one format what it then reads in another; it tells what it found as JSON."""

import asyncio
import hashlib
import json
import sys

import slixmpp
from slixmpp.plugins.xep_0048.stanza import Bookmarks

options = json.loads(sys.argv[1])
PLUGINS = ("xep_0030", "xep_0115", "xep_0163", "xep_0054", "xep_0084", "xep_0153", "xep_0172", "xep_0048", "xep_0049", "xep_0223")
NATIVE = "urn:xmpp:bookmarks:1"
IMAGE = b"GIF89a\x40\0\x30\0;" + b"x" * 300


class User(slixmpp.ClientXMPP):
    def __init__(self, name):
        # This version binds with tls-unique, which TLS 1.3 does not have (RFC 9266 §1); so it says that it cannot bind.
        mechanisms = {"use_mechs": {"SCRAM-SHA-256"}, "sasl_callback": self.credentials}
        super().__init__(f"{name}@localhost/slixmpp", options["password"], plugin_config={"feature_mechanisms": mechanisms})
        self.ca_certs = options["ca"]
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self.online = asyncio.Event()
        self.heard = set()
        self.add_event_handler("session_start", self.start)
        self.add_event_handler("avatar_metadata_publish", self.note("avatar", lambda m: m["pubsub_event"]["items"]["item"]["id"]))
        self.add_event_handler("vcard_avatar_update", self.note("hash", lambda p: p["vcard_temp_update"]["photo"]))
        self.add_event_handler("user_nick_publish", self.note("nick", lambda m: m["pubsub_event"]["items"]["item"]["nick"]["nick"]))

    def credentials(self, required, optional):
        return self["feature_mechanisms"]._default_credentials(required, optional) | {"channel_binding": None}

    def note(self, what, read):
        return lambda stanza: self.heard.add((stanza["from"].user, what, read(stanza)))

    async def start(self, _):
        self.send_presence()
        await self.get_roster()
        self.online.set()

    async def hears(self, *expected):
        for _ in range(100):
            if expected in self.heard:
                return
            await asyncio.sleep(0.1)
        raise TimeoutError(f"{expected} is not among {self.heard}")

    async def rooms(self):
        items = await self["xep_0060"].get_items(self.boundjid.bare, NATIVE)
        native = [item["id"] for item in items["pubsub"]["items"]]
        private = (await self["xep_0048"].get_bookmarks(method="xep_0049"))["private"]["bookmarks"]
        listed = (await self["xep_0048"].get_bookmarks(method="xep_0223"))["pubsub"]["items"]["item"]["bookmarks"]
        return [native] + [[str(room["jid"]) for room in each["conferences"]] for each in (private, listed)]


def bookmarks(*rooms):
    made = Bookmarks()
    for room in rooms:
        made.add_conference(f"{room}@rooms.example", "me", autojoin=True, name=room)
    return made


async def main():
    alice, bob = User("alice"), User("bob")
    for user in (alice, bob):
        user.connect((options["host"], options["port"]))
        await asyncio.wait_for(user.online.wait(), 20)
    alice.send_presence_subscription("bob@localhost")
    bob.send_presence_subscription("alice@localhost")
    found = {}

    published = hashlib.sha1(IMAGE).hexdigest()
    await alice["xep_0084"].publish_avatar(IMAGE)
    await alice["xep_0084"].publish_avatar_metadata({"id": published, "type": "image/gif", "bytes": len(IMAGE)})
    await bob.hears("alice", "avatar", published)
    await bob.hears("alice", "hash", published)
    card = await bob["xep_0054"].get_vcard("alice@localhost")
    found["photo"] = hashlib.sha1(card["vcard_temp"]["PHOTO"]["BINVAL"]).hexdigest() == published

    photo = hashlib.sha1(IMAGE + b"b").hexdigest()
    await bob["xep_0153"].set_avatar(avatar=IMAGE + b"b", mtype="image/gif")
    await alice.hears("bob", "avatar", photo)
    await alice.hears("bob", "hash", photo)
    data = await alice["xep_0084"].retrieve_avatar("bob@localhost", photo)
    found["avatar"] = data["pubsub"]["items"]["item"]["avatar_data"]["value"] == IMAGE + b"b"

    await alice["xep_0172"].publish_nick("Ally")
    await bob.hears("alice", "nick", "Ally")

    await alice["xep_0048"].set_bookmarks(bookmarks("a", "b"), method="xep_0049")
    found["private"] = await alice.rooms()
    await alice["xep_0048"].set_bookmarks(bookmarks("b", "c"), method="xep_0223")
    found["list"] = await alice.rooms()
    await alice["xep_0060"].retract("alice@localhost", NATIVE, "b@rooms.example", notify="true")
    found["retracted"] = await alice.rooms()
    print(json.dumps(found), flush=True)
    for user in (alice, bob):
        await user.disconnect()


asyncio.get_event_loop().run_until_complete(asyncio.wait_for(main(), 60))
