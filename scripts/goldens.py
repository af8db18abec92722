"""Write the golden reading of every recorded callback anew: `python scripts/goldens.py [--sign]`.

Read the difference before you keep it: a golden is what users get. With `--sign` the requests
that are meant to be genuine first get the right Content-Length and authentication for the
folder's config, so that a new case can be written by hand. Names that begin with `refused`,
`challenge` or `handshake` are not genuine and stay as they are.
"""

import argparse
import json
from pathlib import Path

from ringback.providers.base import Provider, ProviderConfig
from ringback.providers.config import load_config
from ringback.providers.recorded import NOW_MS, describe, read_request, write_request
from ringback.providers.registry import PROVIDERS

PAYLOADS = Path(__file__).parents[1] / "src" / "ringback" / "providers" / "payloads"
NOT_GENUINE = ("refused", "challenge", "handshake")


def sign(path: Path, provider: Provider, config: ProviderConfig) -> None:
    """Rewrite one request with the headers that its provider would send for its body."""
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    signed = provider.sign(body, config, NOW_MS)
    names = {name.lower() for name, _ in signed}
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    kept = tuple(pair for pair in pairs if pair[0].lower() not in names)
    path.write_bytes(write_request(method, target, kept + signed, body))


def main() -> None:
    """Go through every provider's folder and write what changed."""
    parser = argparse.ArgumentParser(description="Regenerate the goldens of recorded callbacks.")
    parser.add_argument("--sign", action="store_true", help="sign the genuine requests first")
    arguments = parser.parse_args()
    for provider in PROVIDERS.values():
        folder = PAYLOADS / provider.name
        config = load_config(provider.Config, json.loads((folder / "config.json").read_bytes()))
        for path in sorted(folder.glob("*.http")):
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
