"""Write docs/providers/ anew, a page for each provider: `python -m scripts.providers`.

Everything comes from what an adapter declares and from the goldens of its recordings.
"""

import json
from pathlib import Path
from typing import Any

from ringback.domain.scenarios import SCENARIOS
from ringback.providers.base import Provider
from ringback.providers.config import json_schema, load_config
from ringback.providers.registry import PROVIDERS

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "providers"
PAYLOADS = ROOT / "src" / "ringback" / "providers" / "payloads"
# Pages of ours that say more. Provider: page, what it is about.
_MORE = {
    "generic": ("../generic.md", "How it is configured"),
    "native": ("../native.md", "What it takes"),
    "simulator": ("../callbacks.md#simulating", "How it is used"),
}
_YES = "✓"
Json = dict[str, Any]


def goldens(provider: Provider) -> dict[str, Json]:
    """Return the readings of a provider's recordings, by name."""
    folder = PAYLOADS / provider.name
    return {
        path.stem: json.loads(path.with_suffix(".json").read_bytes())
        for path in sorted(folder.glob("*.http"))
    }


def page(provider: Provider) -> str:
    """Return the page of one provider."""
    source = f"[{provider.name}.py](../../src/ringback/providers/{provider.name}.py)"
    by = f"Written from {source} and its recordings by `make docs`.\n[All providers](README.md)."
    parts = [
        f"# {provider.label}\n\n{by}\n",
        _facts(provider),
        _section("At the provider", provider.setup),
        _section("Settings", _settings(provider)),
        _section("Verification and answers", _verification(provider)),
        _section("Statuses", _statuses(provider)),
        _section("Errors", _errors(provider)),
        _section("Sending", _sending(provider)),
        _section("Trying it out", _trying(provider)),
        _section("Worth knowing", provider.notes),
    ]
    return "\n".join(part for part in parts if part)


def matrix() -> str:
    """Return the page about all providers."""
    head = (
        "# Providers\n\nWritten from the adapters and their recordings by `make docs`.\n"
        "[From a callback to events](../callbacks.md) says what is the same for all, and\n"
        "[adding a provider](../adding-a-provider.md) how there will be one more.\n\n"
    )
    columns = ["provider", "channels", *_FEATURES]
    rows = [_matrix_row(provider) for _, provider in sorted(PROVIDERS.items())]
    body = _table(columns, rows)
    notes = "".join(f"- **{name}**: {what}\n" for name, what in _FEATURES.items())
    return f"{head}{body}\n{notes}"


def _matrix_row(provider: Provider) -> list[str]:
    found = list(goldens(provider).values())
    kinds = {item["item"] for one in found for item in (one["parsed"] or {}).get("items", ())}
    types = {
        item["type"] for one in found for item in (one["parsed"] or {}).get("items", ())
        if item["item"] == "notice"
    }  # fmt: skip
    seen = kinds | {kind.partition(".")[0] for kind in types}
    seen |= {one["verification"]["verdict"] for one in found}
    name = f"[{provider.label}]({provider.name}.md)"
    has = _features(provider, seen)
    marks = [_YES if has[feature] else "" for feature in _FEATURES]
    return [name, ", ".join(provider.channels) or "any", *marks]


_FEATURES = {
    "statuses": "reports about messages become events of them",
    "codes": "its error codes are told in one vocabulary",
    "inbound": "messages from people",
    "consent": "it says itself that somebody opted out or in",
    "links": "clicks and previews of its own links",
    "senders": "changes of numbers and senders",
    "templates": "changes of templates",
    "handshake": "it tries the URL, or asks for a challenge, before it trusts it",
    "send": "messages can be sent through the adapter",
    "media": "files can be sent",
    "batches": "several messages in one request",
    "fake": "its send API can be tried without an account",
}


def _features(provider: Provider, seen: set[str]) -> dict[str, object]:
    """Say what a provider has; `seen` is what its goldens hold."""
    return {
        "statuses": provider.STATUS,
        "codes": provider.ERRORS,
        "inbound": "inbound" in seen,
        "consent": "consent" in seen,
        "links": "link" in seen,
        "senders": "sender" in seen,
        "templates": "template" in seen,
        "handshake": {"handshake", "challenge"} & seen,
        "send": provider.sends,
        "media": "media" in provider.sends,
        "batches": provider.batch_max > 1,
        "fake": provider.faked,
    }


def _facts(provider: Provider) -> str:
    rows = [["provider", f"`{provider.name}`"]]
    if provider.channels:
        rows.append(["channels", ", ".join(provider.channels)])
    if provider.documentation:
        rows.append(["its own documentation", f"<{provider.documentation}>"])
    if provider.name in _MORE:
        address, about = _MORE[provider.name]
        rows.append(["more", f"[{about}]({address})"])
    return _table(["", ""], rows)


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body.strip()}\n" if body.strip() else ""


def _settings(provider: Provider) -> str:
    schema = json_schema(provider.Config)
    properties, required = schema["properties"], schema.get("required", [])
    assert isinstance(properties, dict)
    assert isinstance(required, list)
    rows = []
    for name, said in properties.items():
        inner = [said, *said.get("anyOf", [])]
        marks = ["required"] if name in required else []
        marks += ["secret"] if said.get("writeOnly") else []
        default = said.get("default")
        if name not in required and default not in (None, "", [], {}):
            marks.append(f"`{default if isinstance(default, str) else json.dumps(default)}`")
        about = next((one["description"] for one in inner if one.get("description")), "")
        rows.append([f"`{name}`", ", ".join(marks), about])
    if not rows:
        return "There are none.\n"
    return (
        _table(["setting", "", ""], rows) + "\nWhat is secret is sealed, and never shown again.\n"
    )


def _verification(provider: Provider) -> str:
    raw = json.loads((PAYLOADS / provider.name / "config.json").read_bytes())
    words, _ = provider.covers(load_config(provider.Config, raw))
    rows: dict[tuple[str, str], list[str]] = {}
    for one in goldens(provider).values():
        found, answer = one["verification"], one["reply"]
        key = (found["verdict"], found["reason"])
        rows.setdefault(key, [_VERDICTS[found["verdict"]], found["reason"], _answer(answer)])
    order = list(_VERDICTS)
    told = sorted(rows.items(), key=lambda item: order.index(item[0][0]))
    return f"What proves a callback: {words}.\n\n" + _table(
        ["", "what was found", "answer"], [row for _, row in told]
    )


_VERDICTS = {
    "ok": "taken", "handshake": "set-up", "challenge": "asked for more", "failed": "refused"
}  # fmt: skip


def _answer(reply: Json) -> str:
    kind = next((value for name, value in reply["headers"] if name.lower() == "content-type"), "")
    body = f" `{reply['body']}`" if reply["body"].strip() and len(reply["body"]) <= 80 else ""
    return f"{reply['status']}{body}{f' ({kind})' if kind and body else ''}"


def _statuses(provider: Provider) -> str:
    rows = [[f"`{word}`", f"`{status}`"] for word, status in provider.STATUS.items()]
    return _table([f"{provider.label} says", "here it is"], rows) if rows else ""


def _errors(provider: Provider) -> str:
    rows = [
        [
            f"`{codes}`", rule.class_, f"`{rule.code}`", f"`{rule.status}`",
            _YES if rule.retryable else "", _YES if rule.opt_out else "",
        ]
        for codes, rule in provider.ERRORS.items()
    ]  # fmt: skip
    if not rows:
        return ""
    head = ["codes", "class", "code", "status", "later again", "opt-out"]
    return _table(head, rows) + "\nOther codes have the class `unknown`, and are counted.\n"


def _sending(provider: Provider) -> str:
    if not provider.sends:
        return ""
    lines = [f"- What can be sent: {', '.join(f'`{one}`' for one in provider.sends)}.\n"]
    if provider.batch_max > 1:
        lines.append(f"- Up to {provider.batch_max:,} messages go in one request.\n")
    if provider.refusals:
        codes = ", ".join(f"`{one}`" for one in provider.refusals)
        lines.append(f"- Its fake refuses with: {codes}.\n")
    return "".join(lines)


def _trying(provider: Provider) -> str:
    if not provider.simulated:
        return ""
    can = ", ".join(f"`{one}`" for one in provider.simulated)
    lines = [f"- Statuses whose callbacks can be made: {can}.\n"]
    if provider.batches:
        lines.append("- One callback can tell of several messages.\n")
    playing = "delivered" if "delivered" in provider.simulated else provider.simulated[-1]
    known = playing if playing in SCENARIOS else None
    if not provider.STATUS or known is None:
        return "".join(lines)
    command = f"ringback simulate {known} --provider {provider.name}"
    text = f"```sh\n{command}\n```\n\n{''.join(lines)}"
    if provider.faked:
        text += (
            "- Its send API is at `/fake/{token}`, for its own libraries too: "
            "[numbers](../callbacks.md#faked-send-apis) choose what happens.\n"
        )
    return text


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(one) for one in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def pages() -> dict[Path, str]:
    """Return every page by its path."""
    found = {FOLDER / f"{name}.md": page(one) for name, one in PROVIDERS.items()}
    return {**found, FOLDER / "README.md": matrix()}


def main() -> None:
    """Write the pages that changed, and remove those of providers that are gone."""
    FOLDER.mkdir(exist_ok=True)
    wanted = pages()
    for path in set(FOLDER.glob("*.md")) - set(wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
