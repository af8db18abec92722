"""Write the golden reading of every recorded callback anew: `python scripts/goldens.py [--sign]`.

Read the difference before you keep it: a golden is what users get. With `--sign` the requests
that are meant to be genuine first get the right Content-Length and authentication for the
case's config, so that a new case can be written by hand. Names that begin with `refused`,
`challenge` or `handshake` are not genuine and stay as they are.
"""

import argparse
import json
from pathlib import Path

from ringback.domain.http import HttpRequest
from ringback.providers.base import Provider, ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS, describe, read_request, write_request
from ringback.providers.registry import PROVIDERS

PAYLOADS = Path(__file__).parents[1] / "src" / "ringback" / "providers" / "payloads"
NOT_GENUINE = ("refused", "challenge", "handshake")


def sign(path: Path, provider: Provider, config: ProviderConfig) -> None:
    """Rewrite one request with the proof that its provider would send with it."""
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    parted = (line.partition(":") for line in lines)
    pairs = tuple((name, value.strip()) for name, _, value in parted)
    origin = "https://" + {name.lower(): value for name, value in pairs}["host"]
    request = HttpRequest(method, origin + target, pairs, body)
    proved = provider.authenticate(request, config, NOW_MS)
    target = proved.url.removeprefix(origin)
    path.write_bytes(write_request(method, target, proved.headers, body))


def config_for(path: Path, provider: Provider) -> ProviderConfig:
    """Return the config that a case holds for: its own, or that of its folder."""
    own = path.with_suffix(".config.json")
    found = own if own.exists() else path.parent / "config.json"
    return load_config(provider.Config, json.loads(found.read_bytes()))


def main() -> None:
    """Go through every provider's folder and write what changed."""
    parser = argparse.ArgumentParser(description="Regenerate the goldens of recorded callbacks.")
    parser.add_argument("--sign", action="store_true", help="sign the genuine requests first")
    arguments = parser.parse_args()
    for provider in PROVIDERS.values():
        for path in sorted((PAYLOADS / provider.name).glob("*.http")):
            config = config_for(path, provider)
            if arguments.sign and not path.stem.startswith(NOT_GENUINE):
                sign(path, provider, config)
            told = describe(provider, read_request(path.read_bytes()), config)
            text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
            golden = path.with_suffix(".json")
            if not golden.exists() or golden.read_text(encoding="utf-8") != text:
                golden.write_text(text, encoding="utf-8")
                print(f"wrote {provider.name}/{golden.name}")


if __name__ == "__main__":
    main()
