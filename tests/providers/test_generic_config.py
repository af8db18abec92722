"""The config of `generic`: faults in its depths, secrets that never show, a schema with parts."""

import traceback
from typing import Any

import pytest

from ringback.providers.config import ConfigError, json_schema, load_config, redact
from ringback.providers.generic_config import GenericConfig
from ringback.providers.keywords import OPT_IN, OPT_OUT

from .cases import CASES, secrets_in
from .generic_stage import SCHEMES, WITH_SECRETS

HMAC = SCHEMES["hmac"]


def faults(raw: object) -> dict[str, str]:
    """Return what is wrong with a config, by place."""
    with pytest.raises(ConfigError) as caught:
        load_config(GenericConfig, raw)
    found = dict(caught.value.faults)
    assert len(found) == len(caught.value.faults)
    return found


def test_every_fault_is_named_where_it_lies() -> None:
    """Faults in parts, and in parts of lists, come back all at once by JSON pointer."""
    raw = {
        "verify": {
            "scheme": "hmac", "secret": "", "older": ["a", "", 5], "algorithm": "md5",
            "encodin/g": "hex", "timestamp_header": "X Y", "tolerance_s": 0,
        },
        "dedupe": [
            {"in": "json", "pointer": "id"}, {"in": "body"}, {"pointer": "/id"},
            {"in": "form", "field": "id", "more": 1}, {"in": "header", "name": "X-Id"}, 5,
        ],
        "reply": {"status": 301, "body": 5},
        "more": 1,
    }  # fmt: skip
    expected = [
        "/dedupe/0/pointer", "/dedupe/1/in", "/dedupe/2/in", "/dedupe/3/more", "/dedupe/5", "/more",
        "/reply/body", "/reply/status", "/verify/algorithm", "/verify/encodin~1g",
        "/verify/header", "/verify/older/1", "/verify/older/2", "/verify/secret",
        "/verify/timestamp_header", "/verify/tolerance_s",
    ]  # fmt: skip
    found = faults(raw)
    assert expected == sorted(found)
    assert "must be one of: sha1, sha256, sha512" == found["/verify/algorithm"]
    assert "must be one of: json, form, query, header" == found["/dedupe/1/in"]
    assert "is required" == found["/verify/header"] == found["/dedupe/2/in"]


@pytest.mark.parametrize(
    ("raw", "places"),
    [
        ({}, ["/verify"]),
        ({"verify": None}, ["/verify"]),
        ({"verify": {}}, ["/verify/scheme"]),
        ({"verify": {"scheme": "none"}}, ["/verify/scheme"]),
        ({"verify": {"scheme": ["hmac"]}}, ["/verify/scheme"]),
        ({"verify": {"scheme": "url_token", "secret": "x"}}, ["/verify/secret"]),
        ({"verify": {**HMAC, "secret": ["a"]}}, ["/verify/secret"]),
        ({"verify": {**HMAC, "older": ["a"] * 4}}, ["/verify/older"]),
        ({"verify": {**HMAC, "older": "a"}}, ["/verify/older"]),
        ({"verify": HMAC, "dedupe": [{"in": "header", "name": "X"}] * 5}, ["/dedupe"]),
        ({"verify": HMAC, "dedupe": {"in": "header", "name": "X"}}, ["/dedupe"]),
        ({"verify": SCHEMES["basic"] | {"username": "a:b"}}, ["/verify/username"]),
        ({"verify": SCHEMES["header"] | {"name": "X Key"}}, ["/verify/name"]),
        ({"verify": SCHEMES["header"] | {"name": "X[]"}}, ["/verify"]),
        ({"verify": SCHEMES["query"] | {"name": "a b"}}, ["/verify/name"]),
        ({"verify": HMAC, "reply": {"status": 204, "body": "x"}}, ["/reply"]),
        ({"verify": HMAC, "reply": {"body": "é" * 2_049}}, ["/reply"]),
        ({"verify": HMAC, "reply": {"body": "\ud800"}}, ["/reply"]),
        ({"verify": HMAC, "reply": {"body": "x" * 4_097}}, ["/reply/body"]),
        ({"verify": HMAC, "reply": {"content_type": "a\r\nb: c"}}, ["/reply/content_type"]),
        ({"verify": HMAC, "reply": {"content_type": "text/plain\n"}}, ["/reply/content_type"]),
        ({"verify": HMAC, "dedupe": [{"in": "json", "pointer": "/a~2"}]}, ["/dedupe/0/pointer"]),
        ({"verify": HMAC, "dedupe": [{"in": "json", "pointer": ""}]}, ["/dedupe/0/pointer"]),
    ],
)
def test_a_fault_has_a_place(raw: object, places: list[str]) -> None:
    """What is missing, too long, too many or does not go together is refused."""
    assert places == sorted(faults(raw))


@pytest.mark.parametrize(
    "changes",
    [
        {"signed": ""},
        {"signed": "{url}"},
        {"signed": "body"},
        {"signed": "{body}{body}"},
        {"signed": "{body}{query}"},
        {"signed": "{{body}}"},
        {"signed": "{body}}"},
        {"signed": "{timestamp}.{body}"},
        {"timestamp_header": "X-Timestamp"},
    ],
)
def test_a_template_that_cannot_be_right_is_refused(changes: dict[str, Any]) -> None:
    """It covers the body, knows four words, and the time exactly if a header holds it."""
    assert ["/verify"] == list(faults({"verify": {**HMAC, **changes}}))


def test_no_fault_repeats_a_value() -> None:
    """An error can be shown and logged, even when a secret was entered in the wrong field."""
    wrong = "hunter2"
    for verify in (
        {"scheme": wrong, "secret": wrong},
        {**HMAC, "algorithm": wrong, "encoding": wrong, "timestamp_unit": wrong, "signed": wrong},
        {
            **HMAC,
            "secret": [wrong + "\n", {"x": wrong}],
            "prefix": f" {wrong}",
            "header": f" {wrong}",
        },
        {**HMAC, "secret": {"x": wrong}, "tolerance_s": wrong, "signed": f"{{body}}{{{wrong}}}"},
        wrong,
        [wrong],
    ):
        with pytest.raises(ConfigError) as caught:
            load_config(GenericConfig, {"verify": verify, "reply": {"body": f"{wrong}\ud800"}})
        assert wrong not in str(caught.value)
        assert wrong not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("name", WITH_SECRETS)
def test_no_secret_shows_however_deep(name: str) -> None:
    """Redacted configs and every repr hide single secrets and lists of them; the rest stays."""
    (field,) = {"secret", "password", "token", "value"} & set(SCHEMES[name])
    raw = {
        **SCHEMES[name],
        field: "a-very-long-secret-1234",
        "older": ["short", "another-one-5678"],
    }
    config = load_config(GenericConfig, {"verify": raw})
    plain = redact(config)
    told = f"{config!r}{config.verify!r}{config.verify}{plain}"
    assert 3 == len(secrets_in(config))
    assert not [one for one in secrets_in(config) if one in told]
    shown = plain["verify"]
    assert isinstance(shown, dict)
    expected = {**raw, field: "…1234", "older": ["set", "…5678"]}
    assert expected == {key: shown[key] for key in raw}


def test_a_redacted_config_has_everything_else() -> None:
    """Parts in lists keep their tag, and defaults are filled in."""
    places = [{"in": "json", "pointer": "/id"}, {"in": "header", "name": "X-Id"}]
    raw = {"verify": SCHEMES["url_token"], "dedupe": places, "reply": {"status": 202}}
    reply = {"status": 202, "content_type": "text/plain; charset=utf-8", "body": ""}
    unset = {"mapping": None, "preset": None, "handshake": None}
    words = {"opt_out_words": list(OPT_OUT), "opt_in_words": list(OPT_IN)}
    assert {**raw, **unset, **words, "reply": reply} == redact(load_config(GenericConfig, raw))


def test_the_schema_makes_a_form_of_every_part() -> None:
    """Each part is defined and described, each field has help text, secrets are write-only."""
    schema = json_schema(GenericConfig)
    parts = schema["$defs"]
    assert isinstance(parts, dict)
    names = {
        "Hmac", "Basic", "Bearer", "ApiKey", "UrlToken",
        "JsonPlace", "FormPlace", "QueryPlace", "HeaderPlace", "Reply",
        "Mapping", "Condition", "ReportRule", "InboundRule", "ConsentRule", "LinkRule",
        "IgnoreRule", "ReportFields", "InboundFields", "ConsentFields", "LinkFields", "StatusRow",
        "ErrorRow", "Numbers", "Times", "Echo", "Crc",
    }  # fmt: skip
    assert names == set(parts)
    secret = set()
    for name, part in parts.items():
        assert part["description"], name
        for field, about in part["properties"].items():
            if field not in ("scheme", "in", "item", "kind") or "anyOf" in about:
                assert about.get("description") or about["anyOf"][0].get("description"), field
            if about.get("writeOnly"):
                secret.add((name, field))
    expected = {("Hmac", "secret"), ("Basic", "password"), ("Bearer", "token"), ("ApiKey", "value")}
    shaken = {("Echo", "token"), ("Crc", "secret")}
    assert expected | {(name, "older") for name, _ in expected} | shaken == secret


def test_every_scheme_occurs_in_a_recording() -> None:
    """The recordings try each scheme, genuine and refused."""
    for genuine in (True, False):
        tried = {
            type(case.config.verify).__name__
            for case in CASES
            if isinstance(case.config, GenericConfig) and case.genuine is genuine
        }
        assert {"Hmac", "Basic", "Bearer", "ApiKey", "UrlToken"} == tried
