"""T13 for Twilio's forms: whatever a signed one holds gives a typed result and a 2xx."""

import random
import time
from urllib.parse import parse_qsl, urlencode

from ringback.domain.http import HttpRequest
from ringback.providers.base import Inbound, Report, Unparsed, Unrecognised
from ringback.providers.recorded import NOW_MS
from ringback.providers.registry import PROVIDERS
from ringback.providers.twilio_forms import SIZE_MAX
from tests.sizes import SIZES

from .cases import GENUINE, arrived, config_of
from .sound import assert_sound

TWILIO = PROVIDERS["twilio"]
FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
FORMS = [
    dict(parse_qsl(case.callback.body.decode("latin-1")))
    for case in GENUINE
    if case.provider is TWILIO and b"Sid=" in case.callback.body
]
ODD = [
    "", "\0", "x" * 3_000, "-1", "0", "99999999999", "nan", "1e999", "NaN", "[", "{}", "[[]]",
    "whatsapp:", ":", "whatsapp:whatsapp:+1", "messenger:", "\u2028", "é", "+", "STOP", "READ",
    "true", "null", "2026-03-02T09:15:27.000Z", "9999-99-99T99:99:99Z", "[" * 2_000, "onX", "on",
]  # fmt: skip


def test_forms_of_any_fields_give_a_typed_result() -> None:
    """Recorded forms with fields dropped, doubled, mixed and replaced are never too much."""
    dice, config, kinds = random.Random(13), config_of(TWILIO), set[type]()
    names = sorted({name for form in FORMS for name in form})
    for _ in range(SIZES.fuzzed_bodies):
        fields = list(dice.choice(FORMS).items())
        for _ in range(dice.randrange(4)):
            how, place = dice.random(), dice.randrange(len(fields))
            name, value = fields[place]
            if how < 0.3 and len(fields) > 1:
                del fields[place]
            elif how < 0.6:
                fields[place] = (name, dice.choice(ODD))
            elif how < 0.8:
                fields.append((dice.choice(names), dice.choice(ODD)))
            else:
                other = dice.choice(FORMS)
                fields.append((name, other.get(name, value)))
        body = urlencode(fields).encode()
        url = f"https://hooks.example/in/x?reference={dice.choice(['a', '%FF', '%00', 'é', ''])}"
        callback = arrived(
            TWILIO.authenticate(HttpRequest("POST", url, FORM, body), config, NOW_MS)
        )
        found = TWILIO.verify(callback, config, NOW_MS)
        assert found.verdict == "ok"
        parsed = TWILIO.parse(callback, config)
        assert_sound(parsed)
        assert parsed.items or parsed.unparsed
        assert TWILIO.reply(callback, config, found).status == 200
        kinds |= {type(one) for one in (*parsed.items, *parsed.unparsed)}
    assert {Report, Inbound, Unrecognised, Unparsed} <= kinds


def test_the_worst_forms_cost_little() -> None:
    """Whatever is posted unsigned is refused within 50 ms of the processor's time."""
    config = config_of(TWILIO)
    headers = (*FORM, ("X-Twilio-Signature", "A" * 27 + "="))
    for body in (
        b"a=" + b"%41" * ((SIZE_MAX - 2) // 3),
        b"&".join(b"%%41%d=%%41" % number for number in range(1_000)),
        b"&" * 3_000_000,
        b"%41" * 1_000_000,
        b"a=" + b"+" * (SIZE_MAX - 2),
    ):
        request = HttpRequest("POST", "https://hooks.example/in/x", headers, body)
        spent = []
        for _ in range(3):
            start = time.process_time()
            found = TWILIO.verify(arrived(request), config, NOW_MS)
            spent.append(time.process_time() - start)
            assert found.verdict == "failed"
        # Ten times the bar: the machine may be busy.
        assert min(spent) < 0.5
