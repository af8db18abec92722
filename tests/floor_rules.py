"""Who may import whom, and who may touch the world: the floors of the house, as one table.

import-linter holds the floors too, by the graph of imports; this says it once more by package,
adds libraries and system calls, and names every exception with its reason.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator

from tests.source import Source
from tests.tidy_rules import Rule

_GROUND = frozenset({"domain", "errors"})
# Room → rooms of ours that it may import. Itself and the version in `ringback` always.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "": frozenset(),
    "errors": frozenset(),
    "domain": frozenset({"errors"}),
    "providers": _GROUND,
    "storage": _GROUND,
    "transport": _GROUND,
    "log": frozenset(),
    "settings": _GROUND,
    "services": _GROUND | {"providers", "storage", "transport", "log", "settings"},
    "client": _GROUND,
    "api": _GROUND | {"services", "storage"},
    "panel": frozenset(),
    "cli": _GROUND | {"services", "client", "log", "settings"},
    "app": _GROUND | {"services", "storage", "transport", "log", "settings"},
    "serving": _GROUND | {"app", "services", "transport", "api", "panel"},
    "worker": _GROUND | {"serving", "app", "services", "log", "settings"},
    "__main__": frozenset({"cli"}),
}
_HTTP_TYPES = frozenset({"api", "panel"})
# Library → rooms that may import it. What is not here is no dependency that was decided on.
LIBRARIES: dict[str, frozenset[str]] = {
    "asyncpg": frozenset({"storage"}),
    "cryptography": frozenset({"storage", "providers"}),
    "fastapi": _HTTP_TYPES,
    "httptools": frozenset({"transport"}),
    "jsonschema_rs": frozenset({"domain"}),
    "httpx": frozenset({"client"}),
    "prometheus_client": frozenset({"api"}),
    "msgspec": frozenset(MAY_IMPORT) - {"log", "cli"},
    "psutil": frozenset({"services"}),
    "pydantic": frozenset({"settings", "api"}),
    "pydantic_settings": frozenset({"settings"}),
    "rich": frozenset({"cli"}),
    "starlette": _HTTP_TYPES,
    "structlog": frozenset({"log", "app", "serving", "worker", "services", "api"}),
    "typer": frozenset({"cli"}),
    "uvloop": frozenset({"worker"}),
}
# Modules of the standard library that reach out → rooms that may. (The sole other ways out are
# libraries above.)
OUTWARD: dict[str, frozenset[str]] = {
    "ftplib": frozenset(),
    "http.client": frozenset(),
    "select": frozenset({"transport"}),
    "smtplib": frozenset(),
    "socket": frozenset({"transport"}),
    "socketserver": frozenset(),
    "ssl": frozenset({"transport"}),
    "subprocess": frozenset(),
    "telnetlib": frozenset(),
    "urllib.request": frozenset(),
    "xmlrpc": frozenset(),
}
# Methods of the event loop that do the same.
_OUTWARD_CALLS = frozenset({
    "create_connection", "create_datagram_endpoint", "create_server", "create_unix_connection",
    "create_unix_server", "open_connection", "open_unix_connection", "start_server",
    "start_unix_server", "sock_connect", "getaddrinfo", "create_subprocess_exec",
    "create_subprocess_shell",
})  # fmt: skip
# (start of the path in src/ringback/, module): why it may.
OUTWARD_EXCEPTIONS = {
    ("serving.py", "socket"): "is handed the listening socket",
    ("worker.py", "socket"): "is handed the listening socket",
    ("client/local.py", "socket"): "looks which usual port a local program listens on",
    ("client/local.py", "getaddrinfo"): "looks whether a target of `listen` is near",
    ("services/supervise.py", "socket"): "opens the port that its workers share",
    ("services/crew.py", "select"): "waits for signals",
    ("services/crew.py", "subprocess"): "starts workers, which are our own program",
    ("services/supervise.py", "urllib.request"): "asks our own workers whether they are ready",
    ("services/demo/start.py", "subprocess"): "starts the demo, which is our own program",
    ("services/demo/__main__.py", "socket"): "is handed the listening socket",
    ("services/demo/receiver.py", "socket"): "hands the listening socket to the server",
    ("storage/database.py", "socket"): "has the system probe the driver's connections",
    ("services/embedded", "subprocess"): "starts PostgreSQL, whose path we computed",
}
# What floors 0 and the adapters must not know: the clock, chance, the machine, waiting.
_IMPURE = frozenset({
    "asyncio", "concurrent", "contextvars", "getpass", "glob", "io", "locale", "logging",
    "multiprocessing", "os", "pathlib", "platform", "random", "secrets", "shutil", "signal",
    "sqlite3", "sys", "tempfile", "threading", "time",
})  # fmt: skip
_IMPURE_CALLS = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "open", "urandom", "input"})
PURE = frozenset({"errors", "domain", "providers"})
PURE_EXCEPTIONS = {
    ("providers/simulator.py", "random"): "dice of a seed that comes in as an argument",
}


def imported(file: Source) -> Iterator[tuple[ast.stmt, str]]:
    """Go through everything that a module imports, wherever: the statement, the dotted name.

    `from a import b` gives `a.b`, because b may be a module.
    """
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = _base(file, node)
            for alias in node.names:
                yield node, f"{base}.{alias.name}"


def _base(file: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = file.module.split(".")
    keep = len(parts) - node.level + file.path.endswith("/__init__.py")
    return ".".join([*parts[:keep], *([node.module] if node.module else [])])


def keeps_to_its_floor(file: Source) -> Iterator[str]:
    """Hold a module to the rooms that its own room may import from."""
    if file.package not in MAY_IMPORT:
        yield f"{file.path}: tests/floor_rules.py does not say on which floor this is"
        return
    allowed = MAY_IMPORT[file.package] | {file.package}
    for node, name in imported(file):
        first, _, rest = name.partition(".")
        room = rest.partition(".")[0]
        if first == "ringback" and room in MAY_IMPORT and room not in allowed:
            yield file.at(node, f"{file.package or 'ringback'} must not import {room}")


def uses_libraries_where_decided(file: Source) -> Iterator[str]:
    """Hold each library to the rooms that it was chosen for, and refuse unknown ones."""
    for node, name in imported(file):
        library = name.partition(".")[0]
        if library in sys.stdlib_module_names or library == "ringback":
            continue
        if library not in LIBRARIES:
            yield file.at(node, f"{library} is no dependency; docs/adr says how one becomes it")
        elif file.package not in LIBRARIES[library]:
            rooms = ", ".join(sorted(LIBRARIES[library]))
            yield file.at(node, f"{library} is for {rooms} only")


def reaches_out_where_allowed(file: Source) -> Iterator[str]:
    """Refuse sockets, TLS and programs outside the rooms that guard them."""
    where = file.path.removeprefix("src/ringback/")
    for node, name in imported(file):
        for module, rooms in OUTWARD.items():
            if f"{name}.".startswith(f"{module}.") and not (
                file.package in rooms or _excepted(where, module, OUTWARD_EXCEPTIONS)
            ):
                yield file.at(node, f"{module} is not for {file.package}")
    if file.package in OUTWARD["socket"]:
        return
    for call in ast.walk(file.tree):
        if (
            isinstance(call, ast.Call)
            and _name(call) in _OUTWARD_CALLS
            and not _excepted(where, _name(call), OUTWARD_EXCEPTIONS)
        ):
            yield file.at(call, f"{_name(call)}() is for transport only")


def is_pure(file: Source) -> Iterator[str]:
    """Refuse clocks, chance, files, logs and waiting on the floors that only decide."""
    if file.package not in PURE:
        return
    where = file.path.removeprefix("src/ringback/")
    for node, name in imported(file):
        module = name.partition(".")[0]
        if module in _IMPURE and not _excepted(where, module, PURE_EXCEPTIONS):
            yield file.at(node, f"{module} is not for floors that only decide")
    for part in ast.walk(file.tree):
        if isinstance(part, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith):
            yield file.at(part, "nothing waits on floors that only decide")
        elif isinstance(part, ast.Call) and _name(part) in _IMPURE_CALLS:
            yield file.at(part, f"{_name(part)}() is not for floors that only decide")


def adapters_do_not_know_each_other(file: Source) -> Iterator[str]:
    """Refuse imports from one provider's adapter to another's: a provider is one file."""
    mine = _provider(file.module)
    if mine is None:
        return
    for node, name in imported(file):
        theirs = _provider(name)
        if theirs is not None and theirs != mine:
            yield file.at(node, f"the adapter {mine} must not import {theirs}")


# Modules of providers/ that belong to no provider.
_OF_ALL_PROVIDERS = frozenset({
    "base", "beside", "config", "config_faults", "error_table", "forms", "generic", "header_words",
    "keywords", "mapped_config",
    "mapping", "mapping_body", "mapping_config", "mapping_items", "mapping_table", "mapping_times",
    "mapping_writing", "presets", "proofs", "query_proof", "reading", "recorded", "registry",
    "subscribing", "xml_reading",
})  # fmt: skip


def _provider(module: str) -> str | None:
    """Return whose adapter a module is: `bandwidth_items` belongs to `bandwidth`."""
    parts = module.split(".")
    if parts[:2] != ["ringback", "providers"] or len(parts) < 3:
        return None
    return None if parts[2] in _OF_ALL_PROVIDERS else parts[2].partition("_")[0]


def _excepted(where: str, module: str, exceptions: dict[tuple[str, str], str]) -> bool:
    return any(where.startswith(start) and module == name for start, name in exceptions)


def _name(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


_HOST = re.compile(r"https?://([A-Za-z0-9][A-Za-z0-9.-]*)")
# Mappings for systems, which name where these are described.
_PRESETS = "ringback.providers.presets."
# Hosts that the program names outside its adapters. Host: why.
HOSTS = {
    "json-schema.org": "the name of the dialect that schemas are written in",
    "example.com": "examples in the API's document",
    "hooks.example.com": "examples in the API's document",
    "localhost": "examples of where a local program listens",
    "docs.aws.amazon.com": "describes a signature; nothing is fetched",
    "github.com": "says who we are and where a format is described; nothing is fetched",
}


def calls_nobody(file: Source) -> Iterator[str]:
    """Refuse hosts in the program's text: it calls who it is told to, and providers."""
    if _provider(file.module) is not None or file.module.startswith(_PRESETS):
        return
    for number, line in enumerate(file.lines, 1):
        for host in _HOST.findall(line):
            if host not in HOSTS and not host.startswith("127."):
                yield f"{file.path}:{number}: {host} is called or named without a reason"


def cycles(files: Iterable[Source]) -> list[list[str]]:
    """Return the circles in which modules import each other, imports in functions included."""
    by_name = {file.module: file for file in files}
    after = {name: _targets(file, set(by_name)) - {name} for name, file in by_name.items()}
    while True:
        # Whoever imports nothing that is left can be on no circle; neither can whoever nobody
        # imports.
        wanted = set().union(*after.values()) if after else set()
        loose = {name for name, targets in after.items() if not targets or name not in wanted}
        if not loose:
            break
        after = {name: targets - loose for name, targets in after.items() if name not in loose}
    return [sorted(after)] if after else []


def _targets(file: Source, known: set[str]) -> set[str]:
    found = set()
    for _, name in imported(file):
        while name and name not in known:
            name = name.rpartition(".")[0]
        if name:
            found.add(name)
    return found


FLOORS: tuple[Rule, ...] = (
    keeps_to_its_floor,
    uses_libraries_where_decided,
    reaches_out_where_allowed,
    is_pure,
    adapters_do_not_know_each_other,
)
