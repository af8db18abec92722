"""What is sent: about 600 bytes each, with an id that never comes twice. Text only, no I/O.

A body has places for its number; the number stands in the event again, so that a receiver can
tell which one it got. Generators in Lua and in Python fill in the same templates.
"""

import hashlib
import hmac
import string
from collections.abc import Iterator
from dataclasses import dataclass

MARK = "bench-"
DIGITS = 10
EVENT_TYPE = "bench.order_paid"
WHATSAPP_PATH = "/in/demo-whatsapp"
PUBLISH_PATH = "/v1/events"
STATUSES = ("sent", "delivered", "read")
# Statuses of one message come this many callbacks apart: never two of them under way at once.
BLOCK = 2000

_FIRST_TIME = 1_795_000_000
_PUBLICATION = (
    '{"type":"bench.order_paid","data":{"id":"bench-$number","order":"order-$number",'
    '"currency":"EUR","total":12950,"paid":true,"channel":"web","customer":{"id":"cus_48213",'
    '"name":"Ada Example","email":"ada@example.com","country":"DE","language":"de"},'
    '"lines":[{"sku":"RB-1000","title":"A thing with a name of usual length","quantity":1,'
    '"price":9950},{"sku":"RB-2000","title":"Another thing","quantity":2,"price":1500}],'
    '"shipping":{"method":"standard","carrier":"post","street":"Example Street 12",'
    '"city":"Berlin","zip":"10115"},"note":"Leave it with the neighbours if nobody is at home."}}'
)
_STATUS = (
    '{"object":"whatsapp_business_account","entry":[{"id":"102290129340398","changes":[{"field":'
    '"messages","value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":'
    '"15550100900","phone_number_id":"106540352242922"},"statuses":[{"id":'
    '"wamid.HBgLMTU1NTAxMDAxMjMVAgARGBI$number","status":"$status","timestamp":"$time",'
    '"recipient_id":"15550100123","biz_opaque_callback_data":"bench-$number","conversation":{"id":'
    '"c1f2a7d09b3e4c58a6d1e0f2b4c6d8ea","expiration_timestamp":"1795986400","origin":{"type":'
    '"utility"}},"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":'
    '"utility"}}]}}]}]}'
)


@dataclass(frozen=True)
class Status:
    """One status callback of a message: what it says and how it is signed."""

    number: int
    status: str
    time: int
    signature: str


def numbered(number: int) -> str:
    """Write a number as it stands in a body: always as long."""
    return f"{number:0{DIGITS}}"


def publication(number: int) -> bytes:
    """Return the body of one published event."""
    return string.Template(_PUBLICATION).substitute(number=numbered(number)).encode()


def status_body(number: int, status: str, time: int) -> bytes:
    """Return the body of one status callback as Meta sends them; `time` in seconds since 1970."""
    fields = {"number": numbered(number), "status": status, "time": str(time)}
    return string.Template(_STATUS).substitute(fields).encode()


def signed(secret: str, number: int, status: str, time: int) -> Status:
    """Sign a status callback with the app's secret."""
    body = status_body(number, status, time)
    digest = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
    return Status(number, status, time, digest)


def lives(secret: str, count: int, first: int = 0) -> Iterator[Status]:
    """Sign `count` callbacks of messages that are sent, delivered and read, in blocks."""
    made = 0
    for block in range(first, first + count, BLOCK):
        for step, status in enumerate(STATUSES):
            for number in range(block, block + BLOCK):
                if made == count:
                    return
                made += 1
                yield signed(secret, number, status, _FIRST_TIME + step)


def arrivals(secret: str, count: int, first: int = 0) -> Iterator[Status]:
    """Sign `count` callbacks of as many messages, each `sent`."""
    for number in range(first, first + count):
        yield signed(secret, number, "sent", _FIRST_TIME)


def pieces(*, publishing: bool) -> list[str]:
    """Split a template at its places: text, name, text … text, for another language."""
    template = _PUBLICATION if publishing else _STATUS
    found: list[str] = []
    last = 0
    for match in string.Template.pattern.finditer(template):
        found += [template[last : match.start()], match["named"]]
        last = match.end()
    return [*found, template[last:]]


def request(path: str, port: int, headers: dict[str, str], body: bytes) -> bytes:
    """Write a whole POST."""
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
