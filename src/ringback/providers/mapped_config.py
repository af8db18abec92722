"""The part of a config that chooses a mapping: one of one's own, or a preset."""

from typing import Annotated

import msgspec

from ringback.providers import keywords
from ringback.providers.base import Parsed, ProviderConfig
from ringback.providers.keywords import OptInWords, OptOutWords, opt_in_words, opt_out_words
from ringback.providers.mapping import Mapping
from ringback.providers.presets import PRESETS

_NAME_MAX = 64


class MappedConfig(ProviderConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of configs whose callbacks a mapping reads."""

    mapping: Annotated[
        Mapping | None,
        msgspec.Meta(
            description="What callbacks mean. Without one or a preset, the provider's own is used "
            "if it has one; else they are passed on as they came."
        ),
    ] = None
    preset: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=_NAME_MAX,
                description="A ready mapping by its name, instead of one of your own.",
            ),
        ]
        | None
    ) = None
    opt_out_words: OptOutWords = msgspec.field(default_factory=opt_out_words)
    opt_in_words: OptInWords = msgspec.field(default_factory=opt_in_words)

    @property
    def how(self) -> Mapping | None:
        """The mapping that is used, or None."""
        ready = PRESETS.get(self.preset or "")
        return self.mapping if ready is None else ready.mapping

    def heard(self, parsed: Parsed) -> Parsed:
        """Add what messages say of consent, but for those of which a rule of the mapping tells."""
        return keywords.heard(parsed, self)

    def faults(self) -> list[tuple[str, str]]:
        """Return what is wrong with the mapping, or with the choice of one."""
        if self.preset is not None and self.preset not in PRESETS:
            return [("/preset", f"must be one of: {', '.join(sorted(PRESETS))}")]
        if self.preset is not None and self.mapping is not None:
            return [("/preset", "stands beside a mapping; leave one of them out")]
        return [] if self.mapping is None else self.mapping.faults("/mapping")
