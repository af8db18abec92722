"""The vendor: Fernline runs messaging for many customers, each a tenant with endpoints and keys."""

from typing import Any

from ringback.domain.endpoints import DeliveryPolicy
from ringback.services.demo.plan import (
    Behaviour,
    Burst,
    Course,
    DemoConnection,
    DemoEndpoint,
    DemoKey,
    DemoSet,
    DemoType,
    Failing,
    Incident,
    Life,
)

_WHATSAPP, _SMS, _SIMULATOR = "demo-whatsapp", "demo-bandwidth", "demo-simulator"
_PLATFORM = "vendor-platform"
_BAKERY, _PHYSIO, _COURIERS = "vendor-bakery", "vendor-physio", "vendor-couriers"
_BAKERY_LINE, _PHYSIO_LINE, _COURIER_LINE = f"{_BAKERY}-app", f"{_PHYSIO}-app", f"{_COURIERS}-app"

_CODES = (
    "{code} is your Fernline code. It is valid for ten minutes.",
    "Fernline: your sign-in code is {code}. Never tell anybody.",
)
_READY = ("{name}, your {item} is ready at the Kornhaus bakery. See you soon!",)
_VISIT = ("Harbour Physio: {name}, see you on {day} at {hour}. Reply STOP to end reminders.",)
_PARCEL = ("Kite & Co. brings {reference} {day} around {hour}.",)
_NOTICE = Course(
    0, _PLATFORM, ("submitted", "sent", "delivered"),
    ("Fernline: planned maintenance on Sunday from 2 to 3 am UTC. Messages wait, none is lost.",),
    reference="maintenance-notice", purpose="marketing", campaign="maintenance-notice",
    tags=("notice",),
)  # fmt: skip

_COURSES = (
    Course(60, _PLATFORM, ("queued", "submitted", "sent", "delivered"), _CODES,
           reference="login", tags=("code",)),
    Course(8, _PLATFORM, ("queued", "submitted", "sent"), _CODES, reference="login"),
    Course(3, _PLATFORM, ("submitted", "failed"), _CODES, reference="login", error=Failing(
        "unregistered", "The sender is not registered in this country", "sender")),
    Course(2, _PLATFORM, ("submitted", "sent", "failed"), _CODES, reference="login",
           error=Failing("carrier_down", "The network does not answer", "network")),
    Course(2, _PLATFORM, ("submitted", "sent", "expired"), _CODES, reference="login"),
    Course(1, _PLATFORM, ("scheduled", "cancelled"), _CODES, reference="login"),
    Course(40, _BAKERY_LINE, ("submitted", "sent", "delivered", "read"), _READY,
           channel="whatsapp", answers=("On my way!", "Danke!", "Can you keep it until 6?"),
           answered=30, tags=("pick-up",)),
    Course(30, _PHYSIO_LINE, ("submitted", "sent", "delivered"), _VISIT, reference="visit",
           answers=("See you then", "I am ill, can we move it?", "STOP"), answered=25,
           tags=("reminder",)),
    Course(2, _PHYSIO_LINE, ("submitted", "failed"), _VISIT, reference="visit",
           error=Failing("opted_out", "The person has opted out", "consent")),
    Course(45, _COURIER_LINE, ("submitted", "sent", "delivered"), _PARCEL, reference="parcel",
           answers=("Please leave it with the neighbour", "Thanks"), answered=12),
    Course(4, _COURIER_LINE, ("submitted", "sent", "unconfirmed"), _PARCEL, reference="parcel"),
    Course(24, _WHATSAPP, ("sent", "delivered", "read"), reference="ticket", channel="whatsapp",
           answers=("That solved it, thank you", "Still the same error", "When is it back?"),
           answered=35),
    Course(2, _WHATSAPP, ("failed",), reference="ticket", channel="whatsapp",
           error=Failing("131056", "Too many messages between this pair of numbers")),
    Course(30, _SMS, ("submitted", "sent", "delivered"), reference="alert"),
    Course(3, _SMS, ("sent", "failed"), reference="alert",
           error=Failing("4720", "Invalid destination address")),
    Course(2, _SMS, ("sent", "failed"), reference="alert",
           error=Failing("4781", "Volume violation at the carrier")),
    Course(2, _SMS, ("sent", "unconfirmed"), reference="alert",
           error=Failing("9902", "Delivery receipt timed out")),
    Course(5, _SIMULATOR, ("submitted", "sent", "delivered"), _CODES, channel="rcs", ours=True),
    Course(4, _SIMULATOR, ("submitted",), _CODES, reference="login", channel="rcs"),
    Course(8, _WHATSAPP, (), (
        "Our callbacks stopped at noon, can you look?", "How do I rotate a signing secret?",
    ), channel="whatsapp"),
)  # fmt: skip

_ENDPOINTS = (
    DemoEndpoint("demo-vendor-billing", "Billing: counts what was delivered",
                 ("message.delivered", "call.completed", "number_order.completed")),
    DemoEndpoint("demo-bakery-orders", "Order screen in the shop",
                 ("message.delivered", "message.read", "message.received"), tenant=_BAKERY),
    DemoEndpoint("demo-physio-calendar", "Calendar: has been down since this morning",
                 ("message.*",), Behaviour(status=503, body="<h1>Service Unavailable</h1>"),
                 tenant=_PHYSIO),
    DemoEndpoint("demo-physio-backup", "Backup of all replies: an inspector",
                 ("message.received",), None, tenant=_PHYSIO),
    DemoEndpoint("demo-couriers-dispatch", "Dispatch: answers slowly", ("message.*",),
                 Behaviour(ms=(250, 700)), tenant=_COURIERS),
    DemoEndpoint("demo-vendor-warehouse", "Data warehouse: has outages",
                 ("message.sent", "call.*"), Behaviour(ms=(20, 80), outage_s=(0, 110))),
    DemoEndpoint("demo-vendor-fraud", "Fraud watch: busy now and then",
                 ("message.submitted", "message.failed"), Behaviour(ms=(15, 60), busy_every=45)),
    DemoEndpoint("demo-vendor-legacy", "Old reporting: was switched off",
                 ("number_order.*", "message.read"),
                 Behaviour(status=410, body="Gone since the new reporting."),
                 policy=DeliveryPolicy(concurrency=1)),
    DemoEndpoint("demo-vendor-status", "Status page: fails, and gives up soon",
                 ("message.failed", "message.cancelled"),
                 Behaviour(status=500, body="<html><h1>Internal Server Error</h1></html>"),
                 policy=DeliveryPolicy(schedule_s=(1, 2))),
    DemoEndpoint("demo-vendor-audit", "Audit store: too slow for its timeout",
                 ("message.expired", "call.failed", "message.unconfirmed"),
                 Behaviour(ms=(2500, 3500)),
                 policy=DeliveryPolicy(schedule_s=(2,), timeout_s=1.0)),
)  # fmt: skip


def _call(after_s: float, event: str, **more: Any) -> tuple[float, dict[str, Any]]:
    return after_s, {"type": "call", "event": event, **more}


def _order(after_s: float, status: str, **more: Any) -> tuple[float, dict[str, Any]]:
    return after_s, {"type": "number_order", "status": status, "kind": "new_numbers", **more}


_DIALLED = {"to": "{person}", "from": "+12025550150", "reference": "callback-{no}"}
_LIVES = (
    Life(_PLATFORM, 32, (
        _call(0, "initiated", **_DIALLED), _call(1.5, "ringing"), _call(8, "answered"),
        _call(15, "input_received", input={"digits": "1"}),
        _call(50, "completed", duration_s=42),
    ), "call"),
    Life(_PLATFORM, 75, (
        _call(0, "initiated", **_DIALLED), _call(1.2, "ringing"),
        _call(26, "failed", reason="no_answer"),
    ), "call"),
    Life(_PLATFORM, 90, (
        _call(0, "initiated", **_DIALLED), _call(6, "answered"), _call(8, "machine_detected"),
        _call(20, "recording_available", recording={"length_s": "9"}),
        _call(20.5, "completed", duration_s=14),
    ), "call"),
    Life(_PLATFORM, 140, (
        _order(0, "updated", provider_status="RECEIVED", reference="customer-{no}"),
        _order(18, "updated", provider_status="PROCESSING"),
        _order(70, "completed", numbers=["+12125550160", "+12125550161"]),
    ), "order"),
    Life(_PLATFORM, 230, (
        _order(0, "updated", provider_status="RECEIVED", reference="customer-{no}"),
        _order(40, "failed", error={
            "class": "platform", "code": "no_inventory", "description": "None left in this area",
        }),
    ), "order"),
)  # fmt: skip

VENDOR = DemoSet(
    name="vendor",
    title="Fernline, a platform with customers of its own",
    connections=(
        DemoConnection(_WHATSAPP, "whatsapp", "WhatsApp, support", "+12025550142"),
        DemoConnection(_SMS, "bandwidth", "Bandwidth, alerts", "+12025550177"),
        DemoConnection(_SIMULATOR, "simulator", "Simulator, RCS trial", "+12025550188"),
        DemoConnection(_PLATFORM, "native", "Fernline platform", "FERNLINE"),
        DemoConnection(_BAKERY_LINE, "native", "Kornhaus app", "KORNHAUS", _BAKERY),
        DemoConnection(_PHYSIO_LINE, "native", "Harbour Physio app", "HARBOUR", _PHYSIO),
        DemoConnection(_COURIER_LINE, "native", "Kite & Co. app", "KITE", _COURIERS),
    ),
    endpoints=_ENDPOINTS,
    courses=_COURSES,
    incidents=(
        Incident("forged", _WHATSAPP, 80, 210),
        Incident("garbled", _WHATSAPP, 240, 420),
        Incident("stale", _SIMULATOR, 350, 500),
        Incident("nameless", _SMS, 430, 700),
        Incident("unknown_kind", _WHATSAPP, 140, 300),
    ),
    bursts=(Burst(280, 20, 4.0, _NOTICE),),
    types=(
        DemoType(
            "fernline.customer_joined", "A customer has signed up.",
            {"type": "object", "required": ["customer", "plan"], "properties": {
                "customer": {"type": "string"}, "plan": {"enum": ["start", "grow", "scale"]}}},
            {"customer": "customer-204", "plan": "grow"}, every_s=55, subject="customer",
        ),
        DemoType(
            "fernline.usage_reported", "What a customer has used in an hour.",
            {"type": "object", "required": ["customer", "messages"], "properties": {
                "customer": {"type": "string"}, "messages": {"type": "integer", "minimum": 0}}},
            {"customer": "customer-204", "messages": 1280}, every_s=25, subject="customer",
        ),
    ),
    keys=(
        DemoKey("Usage export, read only", ("events:read", "messages:read")),
        DemoKey("Platform", ("native:write", "events:write")),
        DemoKey("Kornhaus developers", ("endpoints:read", "events:read"), 90, _BAKERY),
        DemoKey("Harbour Physio app", ("native:write",), tenant=_PHYSIO),
        DemoKey("Kite dispatch", ("deliveries:read", "endpoints:read"), tenant=_COURIERS),
    ),
    tenants=(
        (_BAKERY, "Bäckerei Kornhaus"), (_PHYSIO, "Harbour Physio"), (_COURIERS, "Kite & Co."),
    ),
    lives=_LIVES,
    words={
        "code": ("482 913", "771 204", "039 558"),
        "item": ("sourdough loaf", "birthday cake", "box of croissants"),
        "day": ("today", "tomorrow", "on Thursday"),
        "hour": ("9:30", "11:15", "14:00", "16:45"),
    },
    first_number=7_200,
)  # fmt: skip
