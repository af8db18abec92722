"""Templates to paste at SMSPortal, and how its webhooks are set up: what the documentation shows.

Every value stands in quotes, so that one that is empty leaves JSON behind; what a person wrote
stands last, so that it can be read even where its own quotes came unescaped.
"""

import msgspec


class Preset(msgspec.Struct, frozen=True):
    """A template for one type of webhook: field → the variable that fills it.

    `unchecked` are the variables whose names SMSPortal does not publish where we could read them.
    """

    type: str
    label: str
    fields: tuple[tuple[str, str], ...]
    unchecked: tuple[str, ...] = ()

    @property
    def template(self) -> str:
        """The JSON body, as it is pasted."""
        written = [f'  "type": "{self.type}"']
        written += [f'  "{name}": "@@{variable}@@"' for name, variable in self.fields]
        return "{\n" + ",\n".join(written) + "\n}"


_MESSAGE = (("eventId", "EventId"), ("sentId", "SentId"), ("customerId", "CustomerId"))

PRESETS: tuple[Preset, ...] = (
    Preset(
        "status",
        "Delivery status",
        (
            *_MESSAGE,
            ("phoneNumber", "PhoneNumber"),
            ("status", "Status"),
            ("dateTime", "StatusDateTime"),
        ),
        ("PhoneNumber", "Status", "StatusDateTime"),
    ),
    Preset(
        "reply",
        "Reply",
        (
            ("incomingId", "IncomingId"),
            *_MESSAGE,
            ("sourcePhoneNumber", "SourcePhoneNumber"),
            ("dateTime", "IncomingDateTime"),
            ("text", "IncomingData"),
        ),
        ("IncomingId", "SourcePhoneNumber", "IncomingDateTime", "IncomingData"),
    ),
    Preset(
        "shortcode",
        "Short-code submission",
        (
            ("incomingId", "IncomingId"),
            ("shortCode", "ShortCode"),
            ("sourcePhoneNumber", "SourcePhoneNumber"),
            ("dateTime", "IncomingDateTime"),
            ("text", "IncomingData"),
        ),
        ("IncomingId", "ShortCode", "SourcePhoneNumber", "IncomingDateTime", "IncomingData"),
    ),
    Preset(
        "click",
        "URL click",
        (
            *_MESSAGE,
            ("phoneNumber", "PhoneNumber"),
            ("shortUrl", "ShortUrl"),
            ("url", "OriginalUrl"),
            ("dateTime", "ClickDateTime"),
        ),
        ("PhoneNumber", "ShortUrl", "OriginalUrl", "ClickDateTime"),
    ),
    Preset(
        "preview",
        "URL preview",
        (
            *_MESSAGE,
            ("phoneNumber", "PhoneNumber"),
            ("shortUrl", "ShortUrl"),
            ("url", "OriginalUrl"),
            ("dateTime", "PreviewDateTime"),
        ),
        ("PhoneNumber", "ShortUrl", "OriginalUrl", "PreviewDateTime"),
    ),
)


def _shown(preset: Preset) -> str:
    names = ", ".join(f"`{name}`" for name in preset.unchecked)
    return f"{preset.label}:\n\n```json\n{preset.template}\n```\n\nTo be compared: {names}."


SETUP = """\
1. At SMSPortal, enter the callback URL of this connection for each type of webhook that you want.
   Older webhooks (V1 by GET, V2 by POST) need nothing else, and all kinds may use one URL.
2. For webhooks with a template, choose POST and paste what stands below for its type. Or keep
   SMSPortal's own template and add the type to the URL: `…?type=status`, `reply`, `shortcode`,
   `click` or `preview`.
3. Compare the variables (`@@…@@`) with the list in SMSPortal's editor: not all of their names are
   published, they are told apart by capitals, and only the names on the left must stay. Fields of
   templates that you keep as they are can be named under `fields`.
4. For WhatsApp, enter the URL with `?channel=whatsapp` under *Status* and *Replies* of each number.
   What these webhooks hold is not published either: names go under `fields`, words of statuses
   under `whatsapp_statuses`.
5. Under *Settings*, *Webhooks*, activate signatures, and enter the key as `verify.secret`. Or give
   the webhooks a custom header with a secret of your own.

""" + "\n\n".join(map(_shown, PRESETS))

NOTES = """\
- Reports of V2 name no message, only the batch (`EventId`) and the number. A message is therefore
  known by both, in all generations, and one batch never holds the same number twice: what is sent
  to it a second time goes in a batch of its own.
- The reference of a message is sent as `customerId` and comes back with every report and reply.
- `EXPIRED` says that no report came while the message was valid: it is marked as weak.
- `BLIST` opts the number out, and so does a reply that is one of `opt_out_words`; SMSPortal
  itself says nothing of such words.
- Clicks and previews of SMSPortal's own short links become `link.clicked` and `link.previewed`
  with `source: provider`.
- An answer 200 to a send may mean that nothing was queued; it is read, and refused as what it is.
- Neither the encoding of signatures nor the names of their headers are published: hex and base64
  both count, and the names under `verify` are guesses: compare them with what
  arrives. A new key at SMSPortal ends the old one at once.
- Only 2xx counts as success. SMSPortal tries five times, and slows down for endpoints that fail.
"""
