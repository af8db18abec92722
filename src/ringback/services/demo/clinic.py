"""The clinic: Elm Street reminds of appointments by SMS and WhatsApp, and people say YES or NO."""

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
_CALENDAR = "clinic-calendar"

_REMINDER = (
    "Elm Street Clinic: {name}, {doctor} expects you {day} at {hour}. Reply YES to confirm.",
    "{name}, a reminder of your visit to {doctor} {day} at {hour}. Please answer YES or NO.",
)
_RESULT = ("{name}, your results are in. Please call us between 9 and 12. Elm Street Clinic",)
_AFTER = ("How was your visit, {name}? Answer with 1 (bad) to 5 (great).",)
_YES_NO = ("YES", "Yes", "yes please", "YES thank you", "NO", "No, can we do next week?", "STOP")
_FLU = Course(
    0, _CALENDAR, ("submitted", "sent", "delivered"),
    ("Elm Street Clinic: flu shots from Monday, no appointment needed. Reply STOP to end.",),
    reference="flu-season", answers=("STOP", "Is it free?"), answered=10, purpose="marketing",
    campaign="flu-season", tags=("campaign",),
)  # fmt: skip

_COURSES = (
    Course(70, _SMS, ("submitted", "sent", "delivered"), reference="appointment",
           answers=_YES_NO, answered=60),
    # Reports that never come: more of them than a carrier should lose.
    Course(22, _SMS, ("submitted", "sent"), reference="appointment"),
    Course(3, _SMS, ("sent", "failed"), reference="appointment",
           error=Failing("4720", "Invalid destination address")),
    Course(2, _SMS, ("sent", "failed"), reference="appointment",
           error=Failing("4702", "The phone is switched off")),
    Course(2, _SMS, ("failed",), reference="appointment",
           error=Failing("4775", "Recipient has opted out")),
    Course(6, _SMS, ("sent", "unconfirmed"), reference="appointment",
           error=Failing("9902", "Delivery receipt timed out")),
    Course(2, _SMS, ("sent", "expired"), reference="appointment",
           error=Failing("4360", "Message expired")),
    Course(55, _WHATSAPP, ("sent", "delivered", "read"), reference="appointment",
           channel="whatsapp", answers=_YES_NO, answered=55),
    Course(10, _WHATSAPP, ("sent", "delivered"), reference="appointment", channel="whatsapp"),
    Course(3, _WHATSAPP, ("failed",), reference="appointment", channel="whatsapp",
           error=Failing("131026", "Message undeliverable")),
    Course(1, _WHATSAPP, ("failed",), reference="appointment", channel="whatsapp",
           error=Failing("132015", "The template is paused for low quality")),
    Course(48, _CALENDAR, ("scheduled", "submitted", "sent", "delivered"), _REMINDER,
           reference="appointment", answers=_YES_NO, answered=50, tags=("reminder",)),
    Course(12, _CALENDAR, ("scheduled", "cancelled"), _REMINDER, reference="appointment",
           tags=("reminder", "moved")),
    Course(9, _CALENDAR, ("queued", "submitted", "sent", "delivered"), _RESULT,
           reference="result", tags=("result",)),
    Course(2, _CALENDAR, ("submitted", "failed"), _RESULT, reference="result",
           error=Failing("landline", "The number is a landline", "recipient")),
    Course(12, _CALENDAR, ("submitted", "sent", "delivered"), _AFTER, reference="visit",
           purpose="marketing", campaign="after-visit", tags=("survey",),
           answers=("5", "4", "5 thank you", "2, I waited an hour"), answered=55),
    Course(5, _SIMULATOR, ("submitted", "sent", "delivered", "read"), _REMINDER,
           reference="appointment", channel="rcs", ours=True),
    Course(3, _SIMULATOR, ("submitted",), _REMINDER, reference="appointment", channel="rcs"),
    Course(9, _SMS, (), (
        "Hello, I need a new prescription", "I am running ten minutes late, sorry",
        "Are you open on Saturday?",
    )),
)  # fmt: skip

_ENDPOINTS = (
    DemoEndpoint("demo-clinic-records", "Patient records", ("message.*", "clinic.*"),
                 Behaviour(ms=(20, 90)), metadata={"team": "front desk"}),
    DemoEndpoint("demo-clinic-calendar", "Calendar: answers slowly", ("message.received",),
                 Behaviour(ms=(300, 800))),
    DemoEndpoint("demo-clinic-frontdesk", "Front desk: an inspector of its own",
                 ("message.received", "message.failed", "clinic.*"), None),
    DemoEndpoint("demo-clinic-screen", "Waiting room screen: evening outage",
                 ("message.delivered", "clinic.appointment_confirmed"),
                 Behaviour(ms=(15, 60), outage_s=(0, 120))),
    DemoEndpoint("demo-clinic-pager", "On-call pager: busy now and then",
                 ("message.failed", "message.sent"), Behaviour(ms=(20, 70), busy_every=45)),
    DemoEndpoint("demo-clinic-insurer", "Insurer: was switched off", ("message.read",),
                 Behaviour(status=410, body="This interface has been retired."),
                 policy=DeliveryPolicy(concurrency=1)),
    DemoEndpoint("demo-clinic-fax", "Fax gateway: fails, and gives up soon",
                 ("message.expired", "message.cancelled"),
                 Behaviour(status=500, body="<html><h1>Internal Server Error</h1></html>"),
                 policy=DeliveryPolicy(schedule_s=(1, 2))),
    DemoEndpoint("demo-clinic-archive", "Archive: too slow for its timeout",
                 ("message.unconfirmed",), Behaviour(ms=(2500, 3500)),
                 policy=DeliveryPolicy(schedule_s=(2,), timeout_s=1.0)),
)  # fmt: skip

_BOOKED = {"type": "string", "pattern": "^appointment-[0-9]+$"}
CLINIC = DemoSet(
    name="clinic",
    title="Elm Street Clinic, which reminds of appointments",
    connections=(
        DemoConnection(_WHATSAPP, "whatsapp", "WhatsApp, reminders", "+12025550142"),
        DemoConnection(_SMS, "bandwidth", "Bandwidth, reminders", "+12025550177"),
        DemoConnection(_SIMULATOR, "simulator", "Simulator, RCS trial", "+12025550188"),
        DemoConnection(_CALENDAR, "native", "Appointment system", "ELMSTREET"),
    ),
    endpoints=_ENDPOINTS,
    courses=_COURSES,
    incidents=(
        Incident("forged", _WHATSAPP, 110, 240),
        Incident("forged", _SMS, 260, 500),
        Incident("garbled", _WHATSAPP, 190, 380),
        Incident("stale", _SIMULATOR, 400, 600),
        Incident("nameless", _SMS, 480, 800),
        Incident("unknown_kind", _WHATSAPP, 60, 200),
    ),
    bursts=(Burst(330, 20, 3.0, _FLU),),
    types=(
        DemoType(
            "clinic.appointment_booked", "Somebody has an appointment.",
            {"type": "object", "required": ["appointment", "doctor"], "properties": {
                "appointment": _BOOKED, "doctor": {"type": "string"},
                "new_patient": {"type": "boolean"}}},
            {"appointment": "appointment-9120", "doctor": "Dr Okafor", "new_patient": False},
            every_s=18, subject="appointment",
        ),
        DemoType(
            "clinic.appointment_confirmed", "Somebody has said that they will come.",
            {"type": "object", "required": ["appointment", "by"], "properties": {
                "appointment": _BOOKED, "by": {"enum": ["sms", "whatsapp", "phone"]}}},
            {"appointment": "appointment-9120", "by": "sms"}, every_s=14, subject="appointment",
        ),
        DemoType(
            "clinic.no_show", "Somebody has not come.",
            {"type": "object", "required": ["appointment"], "properties": {
                "appointment": _BOOKED, "minutes_waited": {"type": "integer"}}},
            {"appointment": "appointment-9120", "minutes_waited": 20}, every_s=90,
            subject="appointment",
        ),
    ),
    keys=(
        DemoKey("Waiting room screen, read only", ("messages:read",)),
        DemoKey("Appointment system", ("native:write", "events:write")),
        DemoKey("Auditor, until the visit is over", ("events:read", "callbacks:read"), days=14),
    ),
    words={
        "doctor": ("Dr Okafor", "Dr Lindqvist", "Dr Moreau"),
        "day": ("tomorrow", "on Tuesday", "on Friday"),
        "hour": ("8:20", "10:40", "13:15", "15:50"),
    },
    first_number=9_120,
)  # fmt: skip
