"""T01 and T03 for the signatures of `generic`: forged, altered, misspelt, too old, too new."""

import base64
import hmac

import msgspec
import pytest

from ringback.domain.http import Callback, HttpRequest
from ringback.providers import generic_proofs
from ringback.providers.base import Verification
from ringback.providers.recorded import NOW_MS

from .cases import with_headers
from .generic_stage import BODY, SCHEMES, URL, check, headed, proved, scheme_of


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("sha1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        ("sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            "sha512",
            (
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
                "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"
            ),
        ),
    ],
)
def test_the_vectors_of_the_standard(algorithm: str, digest: str) -> None:
    """RFC 2202 and RFC 4231, case 2, in every encoding."""
    raw = {"scheme": "hmac", "secret": "Jefe", "header": "X-Signature", "algorithm": algorithm}
    body = b"what do ya want for nothing?"
    octets = bytes.fromhex(digest)
    urlsafe = base64.urlsafe_b64encode(octets).decode()
    for encoding, value in (
        ("hex", digest),
        ("hex", digest.upper()),
        ("base64", base64.b64encode(octets).decode()),
        ("base64url", urlsafe),
        ("base64url", urlsafe.rstrip("=")),
    ):
        found = headed({**raw, "encoding": encoding}, "X-Signature", value, body)
        assert "ok" == found.verdict, value


@pytest.mark.parametrize("encoding", ["hex", "base64", "base64url"])
@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
def test_a_mutated_signature_is_refused(algorithm: str, encoding: str) -> None:
    """T01: other spellings, encodings, lengths and alphabets of the right one do not count."""
    raw = {
        "scheme": "hmac", "secret": "not-a-real-secret-0", "header": "X-Signature",
        "algorithm": algorithm, "encoding": encoding, "prefix": "v1=",
    }  # fmt: skip
    genuine = proved(raw)
    value = dict(genuine.headers)["X-Signature"]
    code, octets = value[3:], hmac.digest(b"not-a-real-secret-0", BODY, algorithm)
    assert "ok" == check(genuine, raw).verdict
    assert "ok" == headed(raw, "x-SIGNATURE", value).verdict
    # This secret's signatures have digits in which base64 and base64url differ.
    writings = {
        "hex": [octets.hex()],
        "base64": [base64.b64encode(octets).decode()],
        "base64url": [base64.urlsafe_b64encode(octets).decode().rstrip("=")],
    }
    others = [text for name, texts in writings.items() if name != encoding for text in texts]
    refused = [
        "", code, "v1=", f"V1={code}", f"v1 = {code}", f"v1={code[:-1]}", f"v1={code}0",
        f"v1={code}===", f"v1=={code}", f"v1={code[::-1]}", f"v1= {code}", f" {value}", f"{value} ",
        f"{value}\n", f"{value}\r\n", f"{value}\x00", f"{value},{value}", f"{value};", f'"{value}"',
        f"v1=v1={code}", f"v0={code}", f"v1={code[:4]}\n{code[4:]}", f"v1={code[:4]} {code[4:]}",
        f"v1={code[1:]}é", f"v1={'٣' * len(code)}", f"v1={'0' * len(code)}", f"v1={'A' * 9_000}",
        f"v1={code[: len(code) // 2]}{code[len(code) // 2 :].upper()}", f"v1={code.swapcase()}0",
        f"v1={octets.hex()[:-2]}", f"v1={octets.hex()}00", *(f"v1={other}" for other in others),
    ]  # fmt: skip
    if encoding != "hex":
        # Bits that the last digit has over: another spelling of the same octets.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        bare = code.rstrip("=")
        last = alphabet.translate({43: 45, 47: 95} if encoding == "base64url" else {})
        stray = last[last.index(bare[-1]) ^ 1]
        refused.append(f"v1={bare[:-1]}{stray}{code[len(bare) :]}")
    for mutated in refused:
        assert "failed" == headed(raw, "X-Signature", mutated).verdict, mutated
    short = headed(raw, "X-Signature", f"v1={code[:8]}").reason
    assert f"X-Signature holds no {algorithm} in {encoding}" == short
    name, pair = "X-Signature", ("X-Signature", value)
    for headers in ((), (pair, pair), ((name, "x"), pair), (("X-Other", value),)):
        assert "failed" == check(with_headers(genuine, *headers), raw).verdict


def test_a_signature_for_something_else_is_refused() -> None:
    """Of another body, method, URL or time, by another secret or algorithm: none counts."""
    raw = SCHEMES["whole"]
    genuine = proved(raw)
    replace = msgspec.structs.replace
    for changed in (
        replace(genuine, body=BODY + b"\n"),
        replace(genuine, body=b""),
        replace(genuine, method="PUT"),
        replace(genuine, method="post"),
        replace(genuine, url=URL + "2"),
        replace(genuine, url=URL.partition("?")[0]),
        replace(genuine, url=URL.replace("https", "http")),
        replace(genuine, url=URL.replace("=acme", "=%61cme")),
        with_headers(genuine, ("X-Timestamp", "1772443001"), genuine.headers[-1]),
        proved(raw, secret="not-a-real-other"),
        proved(raw, algorithm="sha512"),
        proved(raw, signed="{method}\n{url}\n{timestamp}\n{body}\n"),
    ):
        assert "failed" == check(changed, raw).verdict


def test_what_is_read_is_what_was_signed() -> None:
    """Without a body everything stands in the query: a signature without {url} proves nothing."""
    callback = proved(SCHEMES["hmac"], HttpRequest("GET", URL))
    found = check(callback, SCHEMES["hmac"])
    assert ("failed", True) == (found.verdict, "{url}" in found.reason)
    bare = HttpRequest("GET", URL.partition("?")[0])
    assert "ok" == check(proved(SCHEMES["hmac"], bare), SCHEMES["hmac"]).verdict


ODD_TIMES = [
    "1772443000.9", "1772443000.", "+1772443000", "-1772443000", "1_772_443_000", " 1772443000",
    "1772443000 ", "NaN", "nan", "1e9", "1.772443e9", "Infinity", "-Infinity", "0x69A5A978",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "-1", "-0", "0", "1", "",
    "٣٣٣٣٣٣٣٣٣٣", "1772443000\n", "1772443000,1772443000", "01772443000", "177244300",
    "17724430000", "1772443000000", "null", "true", "2026-03-02T09:16:40Z", "1772443000\x00",
]  # fmt: skip


def stamped(text: str, unit: str = "s") -> Verification:
    """Verify a callback that is rightly signed with this text for its time."""
    mac = hmac.new(b"not-a-real-secret", text.encode() + b"." + BODY, "sha256").hexdigest()
    headers = (("X-Timestamp", text), ("X-Signature", mac))
    callback = Callback("POST", URL, headers, BODY)
    return check(callback, SCHEMES["stamped"], timestamp_unit=unit)


def test_only_times_within_the_tolerance_count() -> None:
    """T03: 1,000 times around the edges; the exact boundary still counts, one more does not."""
    now = NOW_MS // 1000
    for offset in range(-500, 500):
        expected = "ok" if abs(offset) <= 300 else "failed"
        assert expected == stamped(str(now + offset)).verdict, offset
    for text in ODD_TIMES:
        assert "failed" == stamped(text).verdict, text
    scheme = scheme_of(SCHEMES["stamped"], tolerance_s=60)
    for late_ms, expected in (
        (60_000, "ok"),
        (60_001, "failed"),
        (-60_000, "ok"),
        (-60_001, "failed"),
    ):
        found = generic_proofs.verify(proved(SCHEMES["stamped"]), scheme, NOW_MS + late_ms)
        assert expected == found.verdict


def test_times_in_milliseconds() -> None:
    """Only thirteen digits count then, and the boundary is exact to the millisecond."""
    for offset in (-300_000, -1, 0, 1, 300_000):
        assert "ok" == stamped(str(NOW_MS + offset), "ms").verdict
    for text in (str(NOW_MS + 300_001), str(NOW_MS - 300_001), str(NOW_MS // 1000), f"{NOW_MS}.0"):
        assert "failed" == stamped(text, "ms").verdict


def test_the_time_is_one_header() -> None:
    """None or two of them are refused: nobody may choose which of two counts."""
    raw = SCHEMES["stamped"]
    genuine = proved(raw)
    _, at, mac = genuine.headers
    for headers in ((mac,), (at, at, mac), (at, ("x-timestamp", "1"), mac)):
        assert "failed" == check(with_headers(genuine, *headers), raw).verdict
