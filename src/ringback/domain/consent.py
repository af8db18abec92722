"""Whether a person wants messages: the words for it. Values only."""

from typing import Literal

ConsentWord = Literal["opted_out", "opted_in"]
