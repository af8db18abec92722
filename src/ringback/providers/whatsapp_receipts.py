"""Read receipts: telling a person that their message was read, and that an answer is being typed.

The ticks of it and of all before it turn blue; the sign of typing goes away with the answer, or
after 25 seconds. https://developers.facebook.com/documentation/business-messaging/whatsapp/typing-indicators
"""

import msgspec

from ringback.domain.http import HttpRequest
from ringback.domain.messages import Failure
from ringback.providers import reading
from ringback.providers.base import SendFlow, SendResult
from ringback.providers.whatsapp_config import WhatsAppConfig, credentials, sends_to
from ringback.providers.whatsapp_send import MESSAGE_ID_MAX, result_of


class _Done(msgspec.Struct):
    success: bool = False


_DONE = reading.Shape(_Done)


def mark_read(message_id: str, config: WhatsAppConfig, *, typing: bool = False) -> SendFlow:
    """Tell WhatsApp that a message of a person was read, by its own id; one request.

    `typing`: somebody is answering it. What becomes of it is `submitted`, without an id of its own.
    """
    url = sends_to(config)
    if url is None or not config.access_token:
        refused = Failure("platform", "not_configured", stage="rejected")
        return SendResult("refused", error=refused)
    body: dict[str, object] = {
        "messaging_product": "whatsapp",
        "status": "read",
        "message_id": message_id,
    }
    if typing:
        body["typing_indicator"] = {"type": "text"}
    if receipt_fault(body) is not None:
        return SendResult("refused", error=Failure("content", "message_id", stage="rejected"))
    headers = (*credentials(config), ("Content-Type", "application/json"))
    response = yield HttpRequest("POST", url, headers, msgspec.json.encode(body))
    done = reading.answer(response.body, _DONE)
    if 200 <= response.status < 300 and done is not None and done.success:
        return SendResult("submitted")
    return result_of(response)


def receipt_fault(body: dict[str, object]) -> str | None:
    """Say what is wrong with a read receipt, as far as Meta would see it at once."""
    named = body.get("message_id")
    if not isinstance(named, str) or not 0 < len(named) <= MESSAGE_ID_MAX:
        return "message_id is required"
    if "typing_indicator" in body:
        shown = reading.mapping(body["typing_indicator"])
        if shown.get("type") != "text":
            return "typing_indicator['type'] must be text"
    return None
