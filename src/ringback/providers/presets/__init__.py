"""Mappings that are ready to be used, or to begin with: one file each, and this list of them."""

from ringback.providers.mapping import Preset
from ringback.providers.presets.jasmin import JASMIN
from ringback.providers.presets.kannel import KANNEL
from ringback.providers.presets.link_common import LINK_COMMON
from ringback.providers.presets.textellent import TEXTELLENT

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (JASMIN, KANNEL, LINK_COMMON, TEXTELLENT)
}
