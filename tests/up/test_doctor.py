"""`ringback doctor` beside an installation of `ringback up`: what people see of it."""

import json
import subprocess
from typing import Any

from .conftest import Make
from .installation import Installation


def _doctor(
    installation: Installation, *arguments: str, code: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [installation.python, "-m", "ringback", "doctor", *arguments], cwd="/", check=False,
        env={**installation.variables, **variables}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert code == done.returncode, done.stdout + done.stderr
    return done


def _findings(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    said = json.loads(done.stdout)
    assert said["problems"] == [one["state"] for one in said["findings"]].count("problem")
    return {one["check"]: one for one in said["findings"]}


def test_a_running_demo_is_well(demo: Installation) -> None:
    """The embedded database, living workers, readiness: no problem, and no secret shown."""
    done = _doctor(demo, "-o", "json")
    found = _findings(done)
    for check in (
        "database.reachable", "database.durable", "server.workers", "server.answers",
        "server.configuration", "server.stuck", "secrets.sealed", "disk.private",
    ):  # fmt: skip
        assert "ok" == found[check]["state"], found[check]
    assert "embedded" in found["database.reachable"]["says"]
    secrets = [value for name, value in demo.demo.items() if "SECRET" in name or "KEY" in name]
    secrets += [(demo.data / name).read_text().strip() for name in ("password", "secret_key")]
    assert [] == [secret for secret in secrets if secret in done.stdout + done.stderr]


def test_what_people_read(demo: Installation) -> None:
    """Findings under headings with their fix; --quiet shows only what is not well."""
    shown = _doctor(demo).stdout
    assert "\nDatabase\n  ok      The embedded database answers" in shown
    assert "warning There is none; callbacks are expected at http://127.0.0.1" in shown
    assert "→ Set RINGBACK_PUBLIC_URL" in shown
    assert "(public_url.form)" in shown
    assert "0 problems, " in shown
    quiet = _doctor(demo, "-q").stdout
    assert "  ok " not in quiet
    assert "(public_url.form)" in quiet


def test_before_the_first_start_and_with_a_problem(make_installation: Make) -> None:
    """Nothing is there yet: that is a warning; a public URL that nobody can call is a problem."""
    fresh = make_installation()
    found = _findings(_doctor(fresh, "-o", "json"))
    assert "warning" == found["database.reachable"]["state"]
    assert "`ringback up` starts it" in found["database.reachable"]["fix"]
    assert "skipped" == found["server.workers"]["state"]
    assert not fresh.data.exists()
    url = "http://hooks.example.com?x"
    found = _findings(_doctor(fresh, "-o", "json", code=1, RINGBACK_PUBLIC_URL=url))
    assert "problem" == found["public_url.form"]["state"]
