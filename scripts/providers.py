"""Write docs/providers/ anew, a page for each provider: `python -m scripts.providers`.

Everything comes from what an adapter declares, from the goldens of its recordings, and from what
its own fake answers.
"""

import re
from pathlib import Path
from typing import Any

from ringback.domain.scenarios import SCENARIOS
from ringback.providers.base import Provider
from ringback.providers.registry import PROVIDERS
from ringback.providers.subscribing import Subscribing
from scripts.provider_matrix import matrix
from scripts.provider_seen import Seen, seen
from scripts.provider_sends import Sender, Sent
from scripts.provider_settings import required, sending, settings
from scripts.provider_tables import code, codes, mark, section, table

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "providers"
_PAYLOADS = "../../src/ringback/providers/payloads"
# Pages of ours that say more. Provider: page, what it is about.
_MORE = {
    "generic": ("../generic.md", "How it is configured"),
    "native": ("../native.md", "What it takes"),
    "simulator": ("../callbacks.md#simulating", "How it is used"),
    "textellent": ("../mapping.md", "How mappings are written"),
}
Json = dict[str, Any]


def page(provider: Provider) -> str:
    """Return the page of one provider."""
    found = seen(provider)
    source = f"[{provider.name}.py](../../src/ringback/providers/{provider.name}.py)"
    by = f"Written from {source} and its recordings by `make docs`.\n[All providers](README.md)."
    parts = [
        f"# {provider.label}\n\n{by}\n",
        _facts(provider),
        section("Connecting it", _connecting(provider)),
        section("At the provider", provider.setup),
        section("Subscribing", _subscribing(provider)),
        section("Is it right?", _checking(provider, found)),
        section("Settings", settings(provider.Config, f"{provider.name}.md")),
        section("Verification and answers", _verification(provider, found)),
        section("Statuses", _statuses(provider, found)),
        section("Errors", _errors(provider)),
        section("Sending", _sending(provider, found)),
        section("Trying it out", _trying(provider)),
        section("Worth knowing", provider.notes),
    ]
    return "\n".join(part for part in parts if part)


def _facts(provider: Provider) -> str:
    rows = [["provider", code(provider.name)]]
    if provider.channels:
        rows.append(["channels", ", ".join(provider.channels)])
    if provider.documentation:
        rows.append(["its own documentation", f"<{provider.documentation}>"])
    if provider.repeats:
        rows.append(["posts again what was not taken", provider.repeats])
    if provider.name in _MORE:
        address, about = _MORE[provider.name]
        rows.append(["more", f"[{about}]({address})"])
    return table(["", ""], rows)


def _connecting(provider: Provider) -> str:
    """Say how a connection is made, with the settings that it cannot be without."""
    given = [f"--config {one}" for one in required(provider.Config)]
    lines = [
        "ringback connections create",
        f"--provider {provider.name} --name '{provider.label.partition(' (')[0]}'",
        *given,
    ]
    if provider.keyed:
        command = "ringback connections create --provider native --name Platform --data "
        command += "'{\"config\": {}}'"
    else:
        command = " \\\n  ".join(lines)
    text = f"```sh\n{command}\n```\n\n"
    if more := sending(provider.Config):
        text += (
            f"What is needed to send ({codes(more)}) may follow\nlater: `ringback connections "
            f"rotate con_01… --config {more[0]}=…`. "
        )
    text += "What each setting is, and what else there is, stands\n[below](#settings). "
    text += "The answer has the `callback_url`"
    text += ": that is where callbacks go.\n" if not provider.setup else (
        ", which is what you enter [at the provider](#at-the-provider).\n"
    )  # fmt: skip
    return text + (
        "It begins with `RINGBACK_PUBLIC_URL`, or the connection's own "
        "[`public_url`](../connections.md#where-the-provider-calls):\nan address that the provider "
        "reaches, by https. The connection belongs to the mode of the key that makes it, test or "
        "live.\n"
    )


def _checking(provider: Provider, found: Seen) -> str:
    """Say how one sees that a connection works."""
    steps = []
    if type(provider).check is not Provider.check:
        steps.append(
            "`ringback connections check con_01…` asks the provider whether it takes the "
            "credentials that messages are sent with. It changes nothing there."
        )
    if provider.simulated:
        bare = any(getattr(one.config, "how", one) is None for one in found.recordings)
        steps.append(
            f"In test mode, without an account{', and once it has a mapping' if bare else ''}: "
            f"`ringback simulate {_scenario(provider)} --connection con_01…` posts callbacks to "
            "the connection as the provider would, signed with its secrets, and shows the events."
        )
    steps.append(
        "`ringback callbacks list --connection con_01…` lists what has come, also what was "
        "refused. `ringback callbacks get cbk_01…` has the reason, with the "
        "[likely cause](../connections.md#why-it-did-not-fit). Nothing in the list: the provider "
        "calls another URL, or none."
    )
    return "".join(f"{number}. {text}\n" for number, text in enumerate(steps, 1))


def _scenario(provider: Provider) -> str:
    found = "delivered" if "delivered" in provider.simulated else provider.simulated[-1]
    assert found in SCENARIOS
    return found


def _verification(provider: Provider, found: Seen) -> str:
    words = dict.fromkeys(provider.covers(one.config)[0] for one in found.recordings)
    rows: dict[tuple[str, str], list[str]] = {}
    for one in found.recordings:
        said = one.golden["verification"]
        reason = re.sub(r"\bthe \d+ fields\b", "the fields", said["reason"])
        key = (one.verdict, reason)
        rows.setdefault(key, [_VERDICTS[one.verdict], reason, _answer(one.golden["reply"])])
    order = list(_VERDICTS)
    told = sorted(rows.items(), key=lambda item: order.index(item[0][0]))
    proof = "; or, as it is configured, ".join(words)
    return f"What proves a callback: {proof}.\n\n" + table(
        ["", "what was found", "answer"], [row for _, row in told]
    )


_VERDICTS = {
    "ok": "taken", "handshake": "set-up", "challenge": "asked for more", "failed": "refused"
}  # fmt: skip


def _answer(reply: Json) -> str:
    kind = next((value for name, value in reply["headers"] if name.lower() == "content-type"), "")
    body = f" `{reply['body']}`" if reply["body"].strip() and len(reply["body"]) <= 80 else ""
    return f"{reply['status']}{body}{f' ({kind})' if kind and body else ''}"


def _statuses(provider: Provider, found: Seen) -> str:
    """Tell the statuses that recordings show, by the provider's word for each."""
    proofs: dict[tuple[str, str], set[bool]] = {}
    for _, item in found.reports:
        if word := item.get("provider_status"):
            proofs.setdefault((word, item["status"]), set()).add(bool(item.get("weak")))
    if not proofs:
        return ""
    order = list(provider.STATUS)
    # Words that stand in no table are those of a connection's own settings.
    proofs = dict(
        sorted(proofs.items(), key=lambda one: order.index(one[0][0]) if one[0][0] in order else 99)
    )
    rows = [
        [
            code(word), code(status), _WEAK[frozenset(weak)],
            "" if word in order else _MAPPED, _recording(provider, found.seen_in(word, status)),
        ]
        for (word, status), weak in proofs.items()
    ]  # fmt: skip
    head = [f"{provider.label} says", "here it is", "proof", "", "seen in"]
    several = len({word for word, _ in proofs}) < len(proofs)
    more = "\nA word stands here several times where its code decides.\n" if several else ""
    return table(*_without_empty(head, rows)) + more


_MAPPED = "as it is configured"
_WEAK = {
    frozenset({False}): "", frozenset({True}): "weak", frozenset({False, True}): "weak at times"
}  # fmt: skip


def _recording(provider: Provider, name: str) -> str:
    return f"[{name}]({_PAYLOADS}/{provider.name}/{name}.http)"


def _errors(provider: Provider) -> str:
    rows = [
        [
            code(named), rule.class_, code(rule.code), code(rule.status),
            rule.stage if rule.status == "failed" else "", mark(rule.retryable), mark(rule.opt_out),
        ]
        for named, rule in provider.ERRORS.items()
    ]  # fmt: skip
    if not rows:
        return ""
    head = ["codes", "class", "code", "status", "stage", "later again", "opt-out"]
    return table(head, rows) + (
        "\nOther codes have the class `unknown`, and are counted. `rejected`: it never went out; "
        "`undeliverable`: it did,\nand did not arrive.\n"
    )


def _sending(provider: Provider, found: Seen) -> str:
    if not provider.faked:
        return ""
    sender = Sender(provider, found)
    texts, files = sender.text_max(), sender.files_max()
    lines = [f"What can be sent: {codes(list(provider.sends))}."]
    if provider.batch_max > 1:
        lines.append(f"Up to {provider.batch_max:,} messages go in one request.")
    if texts:
        lines.append(f"A text of plain Latin letters may have {texts:,} of them.")
    if files:
        lines.append(f"A message may have {files:,} {'file' if files == 1 else 'files'}.")
    if sender.waits():
        lines.append("`Retry-After` is kept to when the provider has been asked too often.")
    text = f"{_TEST_ONLY}\n" + "".join(f"- {line}\n" for line in lines)
    refused = sender.refused_here()
    here = "Refused here, before anything goes out:\n\n" if refused else ""
    here += _results("what is wrong", refused) if refused else ""
    there = "What the provider refuses with, as its fake shows it and this reads it:\n\n"
    there += _results("it says", sender.refusals())
    return f"{text}\n{here}\n{there}\n`uncertain`: it may have been taken, and is not sent again.\n"


_TEST_ONLY = (
    "This version sends in test mode only, to a [fake](../callbacks.md#faked-send-apis) of the "
    "provider's send API:\nthere is no address of the API for messages that really go out.\n"
)


def _results(head: str, found: list[Sent]) -> str:
    rows = []
    for one in found:
        error = one.result.error
        wait = one.result.wait_s
        rows.append([
            one.about, one.result.outcome,
            *(("", "", "", "", "") if error is None else (
                error.class_, code(error.code), error.stage, mark(error.retryable),
                mark(error.opt_out),
            )),
            "" if wait is None else f"{wait:g} s",
        ])  # fmt: skip
    names = [head, "outcome", "class", "code", "stage", "later again", "opt-out", "waits"]
    return table(*_without_empty(names, rows))


def _without_empty(head: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]]]:
    """Leave out the columns in which there is nothing."""
    kept = [place for place in range(len(head)) if any(row[place] for row in rows)]
    return [head[place] for place in kept], [[row[place] for place in kept] for row in rows]


def _subscribing(provider: Provider) -> str:
    if not isinstance(provider, Subscribing):
        return ""
    return (
        "```sh\nringback connections subscribe con_01…\n```\n\n"
        f"[Subscribes](../connections.md#subscribing) {provider.subscribes}.\n"
    )


def _trying(provider: Provider) -> str:
    if not provider.simulated:
        return ""
    lines = [f"- Statuses whose callbacks can be made: {codes(list(provider.simulated))}.\n"]
    if provider.batches:
        lines.append("- One callback can tell of several messages.\n")
    text = f"```sh\nringback simulate {_scenario(provider)} --provider {provider.name}\n```\n\n"
    text += "".join(lines)
    if provider.faked:
        text += (
            "- Its send API is at `/fake/{token}`, for its own libraries too: "
            "[numbers](../callbacks.md#faked-send-apis) choose what happens.\n"
        )
    return text


def pages() -> dict[Path, str]:
    """Return every page by its path."""
    found = {FOLDER / f"{name}.md": page(one) for name, one in PROVIDERS.items()}
    return {**found, FOLDER / "README.md": matrix()}


def main() -> None:
    """Write the pages that changed, and remove those of providers that are gone."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in set(FOLDER.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
