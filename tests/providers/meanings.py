"""What each provider's words and codes mean, written down from its documentation and not from us.

A line is codes, a colon, and what they must become: a status (`rejected` and `undeliverable` are
failures of that stage), then the class of the error where the documentation says what is wrong,
`retry` where another try may help, `opt_out`, `weak`. LINK's Common API and the gateways have such
tables beside their presets (test_link_common.py, test_mapping.py); what Textellent says is
documented nowhere, and the simulator's words are our own.
"""

# What may stand in a line beside a status and a class.
FLAGS = ("retry", "opt_out", "weak")

MEANINGS = {
    # https://docs.linkmobility.com/api-reference/mylink-sms-api: told by the code, not by the type.
    "linkmobility": """
        accepted scheduled queued retried: submitted
        sent: sent
        delivered: delivered
        read: read
        rejected: rejected
        failed: failed
        typing: nothing
        1 2 1000 5000: submitted
        1001: sent
        2000: delivered
        3000 3001: rejected platform
        3002 3003: rejected sender
        3004 3005: rejected recipient
        3006 3007 3008 3010: rejected content
        3009: rejected throttled retry
        3011: rejected credit
        3013: rejected policy
        4000: failed network
        4001: failed network retry
        4002: rejected network
        4003: undeliverable recipient
        4004: failed recipient retry
        4005: failed platform
        4006: rejected policy
        4007: undeliverable recipient
        4008: expired
        4009 4010: unconfirmed
        4011: failed network
    """,
    # https://wiki.pswin.com/Gateway%20XML%20API.ashx
    "pswin": """
        DELIVRD: delivered
        EXPIRED: expired
        DELETED FAILED: failed network
        UNDELIV: undeliverable recipient
        REJECTD: rejected
        NULL UNKNOWN: unconfirmed
        BARRED: undeliverable consent opt_out
        BARREDA: rejected policy
        ZEROBAL: failed credit
    """,
    # https://linkmobility.atlassian.net/wiki/display/COOL/Delivery+report
    "link_cool": """
        received: delivered
        rejected: rejected
        buffered: submitted
        expired: expired
    """,
    # https://docs.smsportal.com/docs/delivery-statuses
    "smsportal": """
        STAGED: submitted
        SUBMITD: sent
        DELIVRD DE-LIVRD: delivered
        UNDELIV: undeliverable recipient
        EXPIRED: expired weak
        BLIST: rejected consent opt_out
        NOROUTE: rejected network
        CANCELLED: cancelled
    """,
    # https://dev.bandwidth.com/docs/messaging/errors: 4xxx the caller's, 5xxx Bandwidth's, 9xxx
    # ambiguous; the second digit 7 is the carrier's.
    "bandwidth": """
        message-sending: submitted
        message-sent: sent
        message-delivered: delivered
        message-read: read
        message-failed: failed unknown
        4100 4399 4001: rejected platform
        4301: rejected content
        4302: rejected sender
        4303: undeliverable recipient
        4360 4794: expired
        4400 4499: rejected policy
        4401 4402: rejected network
        4403 4405: rejected sender
        4404 4406: undeliverable recipient
        4410 4411 4412: rejected content
        4420 4421: rejected network
        4431 4432 4433 4434: rejected policy
        4435: rejected recipient
        4451 4452 4493: rejected platform
        4470 4770 4771: rejected content
        4475 4775: rejected consent opt_out
        4476: rejected sender
        4481: rejected sender
        4482 4492: rejected recipient
        4700: undeliverable
        4701: undeliverable recipient
        4702: undeliverable recipient retry
        4703 4799: rejected network
        4710 4735 4754: failed recipient
        4711 4712: rejected content
        4720 4721: undeliverable recipient
        4730: failed network
        4740: rejected sender
        4750 4753: rejected network
        4751 4752: rejected content
        4772: rejected policy
        4773 4774 4790 4791 4792 4793 4795: rejected sender
        4780 4781 4785: rejected throttled retry
        5000 5999: failed platform retry
        5100 5231 5500 5501: failed platform retry
        5600 5650: failed network retry
        9902: unconfirmed
        9999: failed unknown
    """,
    # https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/
    "whatsapp": """
        sent: sent
        delivered: delivered
        read played: read
        failed: failed unknown
        131026: undeliverable recipient
        131047 130472 131049 131064: rejected policy
        131050: rejected consent opt_out
        131056 130429 80007 4: rejected throttled retry
        131048: rejected sender
        133016: rejected platform
        131053: rejected content retry
        131052 131051 131008 131009: rejected content
        131016 131057 131000: failed platform retry
        135000: failed platform
        137000 131062 131021 131030: rejected recipient
        131037 131045: rejected sender
        131042 131044: rejected credit
        131031 368 130497: rejected policy
        132000 132001 132005 132007 132008 132012: rejected content
        132015 132016 132068 132069: rejected content
        131063: rejected platform
        138000 138999: rejected platform
        139100 139101 139102 139103: rejected platform
        0 3 10 190 200 299: rejected platform
    """,
    # https://www.twilio.com/docs/api/errors
    "twilio": """
        accepted scheduled queued sending: submitted
        sent: sent
        delivered: delivered
        partially_delivered: delivered weak
        read: read
        undelivered: undeliverable unknown
        failed: failed unknown
        canceled: cancelled
        receiving received: inbound
        14107 20429 21611: rejected throttled retry
        30001 30017 30022 63017 63018: rejected throttled retry
        30023 30027 63038: rejected throttled retry
        20003 30002: rejected platform
        21211 21614 21612: rejected recipient
        21408: rejected policy
        21610 63014: rejected consent opt_out
        21617: rejected content
        30003 30005 30006: undeliverable recipient
        30004: rejected recipient
        30007: rejected content
        30008: failed unknown
        30009: failed network
        30010: rejected policy
        30036: expired
        30410: failed network
        63007: rejected sender
        63015: rejected recipient
        63016 63032: rejected policy
        63024: undeliverable recipient
        63033: rejected recipient
    """,
}  # fmt: skip

# Where we say more, or something else, on purpose.
DIFFERENT = {
    ("twilio", "30003"): ("undeliverable recipient retry", "a phone that is off may be on later"),
    ("twilio", "30410"): ("failed network retry", "a carrier that did not answer may do so later"),
}

# Rows of ours that no line above speaks of, and where they are from.
BEYOND = {
    "bandwidth": {
        "4350": "the current table of errors: an invalid number, found before it is sent",
        "4407": "as 4405, the sender is another account's",
        "4408": "as 4407, of the recipient",
        "4409": "the current table of errors: the number takes no such message",
    },
    "whatsapp": {
        "1": "Graph API, handling errors", "2": "Graph API, handling errors",
        "33": "Graph API, handling errors", "100": "Graph API, handling errors",
        "131005": "access denied, as 10 and 200-299", "133010": "a number that is not registered",
    },
    "twilio": {
        "30032": "toll-free verification", "30034": "10DLC registration",
        "63003": "no such user on the channel", "63005": "content that a channel does not take",
        "63013": "the channel's policy", "63019": "media that could not be fetched",
        "63021": "content that a channel does not take",
    },
}  # fmt: skip


def lines(provider: str) -> dict[str, str]:
    """Return what each word and code of a provider must become."""
    told: dict[str, str] = {}
    for line in MEANINGS[provider].strip().splitlines():
        codes, _, meaning = line.strip().partition(": ")
        told |= dict.fromkeys(codes.split(), meaning)
    return told
