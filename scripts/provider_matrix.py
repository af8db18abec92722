"""The page about all providers: what each of them has, side by side."""

from collections.abc import Callable, Mapping

from ringback.providers.base import Provider
from ringback.providers.registry import PROVIDERS
from scripts.provider_seen import Seen, proofs, seen, wishes
from scripts.provider_tables import mark, section, table

_Cell = Callable[[Provider, Seen], str]


def _has(kind: str) -> _Cell:
    return lambda _, found: mark(kind in found.kinds)


def _status(status: str) -> _Cell:
    return lambda provider, found: mark(status in found.statuses(provider))


# What a column shows, and what it means.
_TOLD: Mapping[str, tuple[_Cell, str]] = {
    "delivered": (_status("delivered"), "a report that it was delivered"),
    "read": (_status("read"), "a report that it was read"),
    "expired": (_status("expired"), "expiry is told apart from failure"),
    "unconfirmed": (_status("unconfirmed"), "it says itself that nobody will ever know"),
    "weak": (
        lambda _, found: ", ".join(sorted(found.weak)),
        "statuses that may rest on weak proof: such an event says `weak`",
    ),
    "codes": (lambda p, _: mark(p.ERRORS), "its error codes are told in one vocabulary"),
    "inbound": (_has("inbound"), "messages from people"),
    "files in": (lambda _, found: mark(found.files), "files that people send"),
    "opt-outs": (
        lambda provider, found: mark("told" in wishes(provider, found)),
        "it says itself that somebody opted out or in",
    ),
    "opt-out words": (
        lambda provider, found: mark("heard" in wishes(provider, found)),
        "it hands STOP on like any message, and it is [heard here](../suppressions.md#words)",
    ),
    "opt-out codes": (
        lambda _, found: mark(found.opt_out_codes),
        "a failure may say that the person opted out",
    ),
    "links": (_has("link"), "clicks and previews of its own links"),
    "calls": (_has("callreport"), "what happens to calls"),
    "senders": (_has("sender"), "changes of numbers and senders"),
    "templates": (_has("template"), "changes of templates"),
    "several": (
        lambda _, found: mark(found.batched),
        "one callback may tell of several messages",
    ),
}
_PROVED: Mapping[str, tuple[_Cell, str]] = {
    "what proves a callback": (
        lambda provider, found: "; or ".join(proofs(provider, found)),
        (
            "what cannot be changed on the way where it is signed; or what anybody needs to know "
            "who posts one. Where there are several, the connection's settings choose"
        ),
    ),
    "handshake": (
        lambda _, found: mark({"handshake", "challenge"} & found.kinds),
        "it tries the URL, or asks for a challenge, before it trusts it",
    ),
    "posts again what was not taken": (
        lambda provider, _: provider.repeats,
        "empty where that is not published, or is up to you",
    ),
}
_SENDS: Mapping[str, tuple[_Cell, str]] = {
    "send": (
        lambda p, _: ", ".join(p.sends),
        "kinds of content that can be sent; in this version in test mode only, to the fake",
    ),
    "files out": (lambda p, _: mark("media" in p.sends), "files can be sent"),
    "batch": (
        lambda p, _: f"{p.batch_max:,}" if p.batch_max > 1 else "",
        "so many messages in one request",
    ),
    "check": (
        lambda p, _: mark(type(p).check is not Provider.check),
        "its credentials can be tried: `ringback connections check`",
    ),
    "fake": (lambda p, _: mark(p.faked), "its send API can be tried without an account"),
}


def matrix() -> str:
    """Return the page: three tables, and what their columns mean."""
    head = (
        "# Providers\n\nWritten from the adapters, their recordings and their fakes by "
        "`make docs`: what is\nticked is seen in a recording or was tried.\n"
        "[From a callback to events](../callbacks.md) says what is the same for all, and\n"
        "[adding a provider](../adding-a-provider.md) how there will be one more.\n\n"
    )
    found = {name: seen(one) for name, one in sorted(PROVIDERS.items())}
    parts = [
        _part("What they tell", _TOLD, found, channels=True),
        _part("How they prove it, and whether they come again", _PROVED, found),
        _part("Sending through them", _SENDS, found),
    ]
    after = (
        "\n`generic` tells whatever its [mapping](../mapping.md) says, and so does `textellent`.\n"
    )
    return head + "\n".join([parts[0] + after, *parts[1:]])


def _part(
    title: str,
    columns: Mapping[str, tuple[_Cell, str]],
    found: dict[str, Seen],
    *,
    channels: bool = False,
) -> str:
    rows = []
    for name, shown in found.items():
        provider = PROVIDERS[name]
        row = [f"[{provider.label}]({name}.md)"]
        row += [", ".join(provider.channels) or "any"] if channels else []
        rows.append(row + [cell(provider, shown) for cell, _ in columns.values()])
    body = table(["provider", *(["channels"] if channels else []), *columns], rows)
    notes = "".join(f"- **{name}**: {what}\n" for name, (_, what) in columns.items())
    return section(title, f"{body}\n{notes}")
