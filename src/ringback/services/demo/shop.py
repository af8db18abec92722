"""The shop: Marlow & Finch sells things for the home, and tells of orders by WhatsApp and SMS."""

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
)

_WHATSAPP, _SMS, _SIMULATOR = "demo-whatsapp", "demo-bandwidth", "demo-simulator"
_ORDERS = "demo-shop-orders"
_PARCELS = "demo-shop-parcels"

_PLACED = (
    "Hi {name}, thank you for your order {reference}! We will write again when it ships.",
    "Marlow & Finch: {reference} is confirmed, {name}. Total {amount}.",
)
_SHIPPED = (
    "Good news, {name}: {reference} is on its way with {carrier}.",
    "Your {item} left our warehouse today. {reference}, {carrier}.",
)
_OUT = ("{carrier} brings {reference} today between 2 and 4 pm.",)
_ANSWERS = (
    "Thank you!", "Great, thanks", "Can I still change the address?", "👍", "Where is my parcel?",
    "It arrived, but one cup is broken", "Could you deliver after 5 pm please?", "STOP",
    "How do I return it?", "Perfect ❤️",
)  # fmt: skip
_SALE = Course(
    0, _SMS, ("sent", "delivered"),
    ("Spring sale at Marlow & Finch: 20 % off everything linen until Sunday. Reply STOP to end.",),
    reference="spring-sale", answers=("STOP", "Is the blue one back in stock?"), answered=6,
    purpose="marketing", campaign="spring-sale",
)  # fmt: skip

_COURSES = (
    Course(90, _WHATSAPP, ("sent", "delivered", "read"), _SHIPPED, answers=_ANSWERS, answered=22,
           channel="whatsapp"),
    Course(34, _WHATSAPP, ("sent", "delivered"), _OUT, channel="whatsapp"),
    Course(7, _WHATSAPP, ("sent",), _SHIPPED, channel="whatsapp"),
    Course(3, _WHATSAPP, ("failed",), channel="whatsapp",
           error=Failing("131026", "Message undeliverable")),
    Course(2, _WHATSAPP, ("failed",), reference="spring-sale", channel="whatsapp",
           error=Failing("131049", "Not delivered, to maintain healthy ecosystem engagement")),
    Course(1, _WHATSAPP, ("failed",), channel="whatsapp",
           error=Failing("131047", "More than 24 hours have passed since the recipient replied")),
    Course(70, _SMS, ("submitted", "sent", "delivered"), _OUT, answers=_ANSWERS, answered=14),
    Course(9, _SMS, ("sent",), _OUT),
    Course(2, _SMS, ("sent", "failed"), error=Failing("4720", "Invalid destination address")),
    Course(1, _SMS, ("sent", "failed"), error=Failing("4770", "Rejected by carrier as spam")),
    Course(1, _SMS, ("failed",), error=Failing("4775", "Recipient has opted out")),
    Course(1, _SMS, ("sent", "failed"), error=Failing("5620", "Carrier service failure")),
    Course(1, _SMS, ("sent", "expired"), error=Failing("4360", "Message expired")),
    Course(2, _SMS, ("sent", "unconfirmed"), error=Failing("9902", "Delivery receipt timed out")),
    Course(52, _ORDERS, ("queued", "submitted", "sent", "delivered"), _PLACED,
           tags=("order", "confirmation"), answers=_ANSWERS, answered=8),
    Course(14, _ORDERS, ("scheduled", "sent", "delivered"), (
        "How do you like your {item}, {name}? Tell us in one minute: we read every answer.",
    ), tags=("review",), purpose="marketing", campaign="reviews", answers=(
        "Love it!", "The colour is different from the picture", "5 stars",
    ), answered=40),
    Course(2, _ORDERS, ("scheduled", "cancelled"), _OUT, tags=("order",)),
    Course(2, _ORDERS, ("submitted", "failed"), _PLACED, tags=("order",), error=Failing(
        "sender_blocked", "The sender is blocked by the network", "sender",
    )),
    Course(9, _SIMULATOR, ("submitted", "sent", "delivered"), _PLACED, channel="rcs"),
    Course(4, _SIMULATOR, ("submitted",), _PLACED, channel="rcs"),
    Course(4, _SIMULATOR, ("submitted", "sent", "delivered", "read"), _PLACED, channel="rcs",
           ours=True),
    Course(1, _SIMULATOR, ("sent", "failed"), channel="rcs",
           error=Failing("no_credit", "The prepaid credit is used up")),
    Course(9, _WHATSAPP, (), (
        "Do you ship to Ireland?", "Is the oak table still available?",
        "Hello, I never got a confirmation for {reference}", "Can I pick up {reference} in person?",
    ), channel="whatsapp"),
)  # fmt: skip

_ENDPOINTS = (
    DemoEndpoint("demo-shop-orders", "Order system", ("message.*", "shop.*"),
                 Behaviour(ms=(10, 70)), metadata={"team": "orders"}),
    DemoEndpoint("demo-shop-crm", "CRM: answers slowly", ("message.received", "message.read"),
                 Behaviour(ms=(350, 900)), policy=DeliveryPolicy(concurrency=16)),
    DemoEndpoint("demo-shop-dashboard", "Dashboard: an inspector of its own",
                 ("message.delivered", "message.failed", "shop.*"), None),
    DemoEndpoint("demo-shop-helpdesk", "Helpdesk: busy now and then",
                 ("message.received", "message.failed", "message.expired"),
                 Behaviour(ms=(30, 120), busy_every=40)),
    DemoEndpoint("demo-shop-warehouse", "Warehouse: has outages",
                 ("message.sent", "message.cancelled", "shop.order_shipped"),
                 Behaviour(ms=(15, 60), outage_s=(0, 100))),
    DemoEndpoint("demo-shop-campaigns", "Campaign tool: takes 60 a second",
                 ("message.delivered", "message.read"),
                 Behaviour(ms=(10, 40), limit=60), policy=DeliveryPolicy(concurrency=8)),
    DemoEndpoint("demo-shop-loyalty", "Loyalty points: was switched off", ("message.read",),
                 Behaviour(status=410, body="This service was retired."),
                 policy=DeliveryPolicy(concurrency=1)),
    DemoEndpoint("demo-shop-ledger", "Ledger: fails, and gives up soon",
                 ("message.expired", "message.cancelled"),
                 Behaviour(status=500, body="<html><h1>Internal Server Error</h1></html>"),
                 policy=DeliveryPolicy(schedule_s=(1, 2))),
    DemoEndpoint("demo-shop-archive", "Archive: too slow for its timeout",
                 ("message.unconfirmed",), Behaviour(ms=(2500, 3500)),
                 policy=DeliveryPolicy(schedule_s=(2,), timeout_s=1.0)),
    DemoEndpoint("demo-shop-returns", "Returns: refuses what it does not know",
                 ("shop.return_requested",),
                 Behaviour(status=422, body='{"error":"unknown field: data.items[0].shade"}'),
                 policy=DeliveryPolicy(give_up_on=(422,))),
)  # fmt: skip

_LINES = {"type": "string", "pattern": "^order-[0-9]+$"}
_TYPES = (
    DemoType(
        "shop.order_placed", "Somebody has ordered, and the payment is in.",
        {"type": "object", "required": ["order", "total", "currency"], "properties": {
            "order": _LINES, "total": {"type": "number", "minimum": 0},
            "currency": {"enum": ["EUR", "GBP", "USD"]}}},
        {"order": "order-48213", "total": 86.5, "currency": "EUR"}, every_s=17,
    ),
    DemoType(
        "shop.order_shipped", "A parcel was handed to its carrier.",
        {"type": "object", "required": ["order", "carrier"], "properties": {
            "order": _LINES, "carrier": {"type": "string"}, "parcels": {"type": "integer"}}},
        {"order": "order-48213", "carrier": "Heron Parcel", "parcels": 1}, every_s=23,
    ),
    DemoType(
        "shop.return_requested", "A customer wants to send something back.",
        {"type": "object", "required": ["order", "items"], "properties": {
            "order": _LINES, "items": {"type": "array", "items": {"type": "object"}}}},
        {"order": "order-48213", "items": [{"sku": "LINEN-04", "shade": "moss"}]}, every_s=120,
    ),
)  # fmt: skip

SHOP = DemoSet(
    name="shop",
    title="Marlow & Finch, an online shop",
    connections=(
        DemoConnection(_WHATSAPP, "whatsapp", "WhatsApp, customer care", "+12025550142"),
        DemoConnection(_SMS, "bandwidth", "Bandwidth, order updates", "+12025550177"),
        DemoConnection(_SIMULATOR, "simulator", "Simulator, RCS trial", "+12025550188"),
        DemoConnection(_ORDERS, "native", "Order system", "MARLOW"),
        DemoConnection(
            _PARCELS,
            "generic",
            "Heron Parcel tracking",
            "",
            config={
                "verify": {"scheme": "hmac", "header": "X-Heron-Signature", "prefix": "sha256="}
            },
        ),
    ),
    endpoints=_ENDPOINTS,
    courses=_COURSES,
    incidents=(
        Incident("forged", _WHATSAPP, 95, 190),
        Incident("garbled", _WHATSAPP, 210, 400),
        Incident("forged", _SMS, 330, 600),
        Incident("stale", _SIMULATOR, 410, 500),
        Incident("nameless", _SMS, 450, 700),
        Incident("unknown_kind", _WHATSAPP, 150, 450),
        Incident("unknown_kind", _PARCELS, 30, 45),
    ),
    bursts=(Burst(300, 25, 4.0, _SALE),),
    types=_TYPES,
    keys=(
        DemoKey("Dashboard, read only", ("events:read", "messages:read")),
        DemoKey("Order system", ("native:write", "events:write")),
        DemoKey("Contractor, until the relaunch", ("endpoints:read", "deliveries:read"), days=30),
    ),
    words={
        "carrier": ("Heron Parcel", "Northline", "Swift & Sons"),
        "item": ("linen duvet cover", "oak side table", "set of six cups", "wool throw"),
        "amount": ("€ 86.50", "£ 42.00", "$ 129.90", "€ 18.20"),
    },
    first_number=48_300,
)
