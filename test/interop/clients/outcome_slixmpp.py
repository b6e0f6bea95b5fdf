"""How a request of slixmpp ended."""

from slixmpp.exceptions import IqError


async def outcome(asked, read=lambda _: {}):
    """What is read in the answer, or the condition of the error."""
    try:
        return {"refused": None, **read(await asked)}
    except IqError as error:
        return {"refused": error.condition}
