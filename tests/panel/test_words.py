"""The words of the panel cover what the API can say."""

import re
from importlib.resources import files
from typing import get_args

from ringback.domain.roles import ROLES
from ringback.services.audit import Action

WORDS = (files("ringback.panel") / "site" / "strings.js").read_text(encoding="utf-8")


def test_every_act_in_the_audit_log_has_words() -> None:
    """Whatever is done is told as a sentence, and nothing is told that is never done."""
    actions = WORDS.partition('actions: {\n      "endpoint.created"')
    told = re.findall(r'"([a-z_]+\.[a-z_]+)":', actions[1] + actions[2].partition("}")[0])
    assert set(get_args(Action)) == set(told)


def test_every_role_has_words() -> None:
    """Each role is named, and what it is for is told."""
    for role in ROLES:
        assert 3 <= len(re.findall(rf"\b{role}: ", WORDS)), role
