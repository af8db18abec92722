"""`ringback up`: start everything, say where it is and what to try."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from ringback.errors import RingbackError
from ringback.log import configure
from ringback.services import profile
from ringback.services.first_run import Started
from ringback.services.sign_in import link_to
from ringback.services.supervise import Ready, Up, supported
from ringback.settings import PREFIX, Settings, load, unknown

# No emoji: `:key:` in a path is a path.
_talk = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)

_WHATSAPP = """\
id="wamid.$(openssl rand -hex 12)"; body='{"object":"whatsapp_business_account","entry":[{"id":\
"102290129340398","changes":[{"field":"messages","value":{"messaging_product":"whatsapp",\
"metadata":{"display_phone_number":"15550783881","phone_number_id":"106540352242922"},\
"statuses":[{"id":"'$id'","status":"delivered","timestamp":"'$(date +%s)'",\
"recipient_id":"16505551234","biz_opaque_callback_data":"order-48213"}]}}]}]}'
curl -sS "$RINGBACK_URL/in/demo-whatsapp" -H 'content-type: application/json' \\
  -H "x-hub-signature-256: sha256=$(printf %s "$body" | openssl dgst -sha256 \
-hmac "$DEMO_WHATSAPP_SECRET" | sed 's/^.* //')" --data-binary "$body" -w '%{http_code}\\n'"""
_BANDWIDTH = """\
now="$(date -u +%Y-%m-%dT%H:%M:%SZ)"; curl -sS "$RINGBACK_URL/in/demo-bandwidth" --anyauth \\
  -u "$DEMO_BANDWIDTH_USER:$DEMO_BANDWIDTH_PASSWORD" -H 'content-type: application/json' \\
  -w '%{http_code}\\n' -d '[{"time":"'$now'","type":"message-delivered","to":"+15552223333",\
"description":"ok","message":{"id":"'$(openssl rand -hex 14)'","owner":"+15553332222",\
"applicationId":"93de2206-9669-4e07-948d-329f4b722ee2","time":"'$now'","segmentCount":1,\
"direction":"out","to":["+15552223333"],"from":"+15553332222","text":"","tag":"order-48213"}}]'"""
_MESSAGES = """\
curl -sS "$RINGBACK_URL/v1/messages?reference=order-48213&limit=1" \
-H "authorization: Bearer $RINGBACK_API_KEY\""""
_ENDPOINTS = """\
curl -sS %s/v1/endpoints -H "authorization: Bearer %s" -H 'content-type: application/json' \\
  -d '{"url":"https://example.com/webhooks","event_types":["message.*"]}'"""

_MORE = (
    ("a conversation, in a provider's signed callbacks", "simulate reply"),
    ("everything as it happens", "tail events"),
    ("events on a port of this machine, signed", "listen 3000"),
    ("whether all is well here, and how to mend what is not", "doctor"),
)


def run(
    *, demo: str | None, port: int | None, host: str | None, workers: int | None,
    operator_key: bool, sign_in_link: bool,
) -> int:  # fmt: skip
    """Run an installation in the foreground; return the exit code."""
    try:
        supported()
        settings = load()
        settings = chosen(settings, port=port, host=host, workers=workers)
        for warning in unknown():
            _talk.print(f"[yellow]warning:[/] {escape(warning)}")
        configure(settings.log_level)
        up = Up(
            settings,
            demo=demo,
            operator_key=operator_key,
            sign_in_link=sign_in_link,
            say=_say,
            announce=lambda ready: _announce(up, ready),
        )
        return up.run()
    except RingbackError as error:
        _talk.print(f"[bold red]ringback cannot start:[/] {escape(str(error))}")
        return 1
    except KeyboardInterrupt:
        return 130


def chosen(settings: Settings, **given: int | str | None) -> Settings:
    """Return the settings with what the command line says, which the workers are to see too."""
    changes = {name: value for name, value in given.items() if value is not None}
    for name, value in changes.items():
        os.environ[PREFIX + name.upper()] = str(value)
    return settings.model_copy(update=changes)


def _say(text: str) -> None:
    _talk.print(f"[dim]{escape(text)}[/]")


def _announce(up: Up, ready: Ready) -> None:
    started = up.started
    assert started is not None
    kept = escape(str(profile.path()))
    _talk.print(f"\n[bold green]Ringback is up[/] at [bold]{ready.url}[/] in {ready.seconds:.1f} s")
    if up.data_dir is not None:
        _talk.print(f"  data     {escape(str(up.data_dir))}")
    if started.fresh_key:
        _talk.print(f"  API key  [bold]{started.profile.api_key}[/] (shown once)")
        _talk.print(f"           kept in {kept}, profile {started.profile.name}")
    else:
        _talk.print(f"  API key  in {kept}, profile {started.profile.name}")
    _talk.print(f"  API      {ready.url}/docs explains every request")
    if started.sign_in is not None:
        _talk.print("  panel    sign in, once, within 24 h:")
        # What the demo brings is in test mode.
        mode = None if started.demo_file is None else "test"
        _plain(f"           {link_to(ready.url, started.sign_in, mode)}")
    if started.operator_key is not None:
        _talk.print(f"  operator [bold]{started.operator_key}[/] (shown once, kept nowhere)")
    if started.demo_file is None:
        _talk.print("\nAn endpoint of yours, to begin with:\n")
        key = started.profile.api_key if started.fresh_key else "$RINGBACK_API_KEY"
        _plain(_ENDPOINTS % (ready.url, key))
        _talk.print("\nWith `ringback up --demo` there are two providers to try. Ctrl-C stops.\n")
    else:
        _demo(started, started.demo_file)
    sys.stderr.flush()


def _demo(started: Started, file: Path) -> None:
    demo = started.demo
    # What somebody has deleted is not made again, and there is nothing to try with it.
    tries = []
    if "DEMO_WHATSAPP_SECRET" in demo:
        _talk.print(f"  WhatsApp   /in/demo-whatsapp   app secret {demo['DEMO_WHATSAPP_SECRET']}")
        tries.append(("A delivery report from WhatsApp, signed as Meta signs", _WHATSAPP))
    if "DEMO_BANDWIDTH_USER" in demo:
        _talk.print(
            f"  Bandwidth  /in/demo-bandwidth  user {demo['DEMO_BANDWIDTH_USER']}, "
            f"password {demo['DEMO_BANDWIDTH_PASSWORD']}"
        )
        tries.append(("One from Bandwidth, which wants to be asked for its password", _BANDWIDTH))
    tries.append(("What became of them", _MESSAGES))
    _talk.print(f"  Endpoint   the inspector       secret {demo['DEMO_ENDPOINT_SECRET']}")
    if started.played is not None:
        _talk.print("  [dim]The last ten minutes of its data arrive now; then it goes on.[/]")
    _talk.print("\nTry, in another terminal:\n")
    _plain(f". {shlex.quote(str(file))}")
    for number, (what, command) in enumerate(tries, 1):
        _talk.print(f"\n[bold]{number}[/] {what}:\n")
        _plain(command)
    _talk.print("\nCtrl-C stops everything. There is more to try:\n")
    for what, arguments in _MORE:
        _talk.print(f"  {escape(_own_name())} {arguments:16} [dim]{what}[/]")
    _talk.print()


def _own_name() -> str:
    """Return how this command is called: it need not be on the search path."""
    called = Path(sys.argv[0])
    return "ringback" if called.name != "ringback" or shutil.which("ringback") else str(called)


def _plain(text: str) -> None:
    """Print a command exactly as it is, to be copied."""
    print(text, file=sys.stderr)
