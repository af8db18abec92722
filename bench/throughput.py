"""The closed-loop cases: how much goes through, and what it costs. B1, B2, B3, B4 and B5."""

from pathlib import Path

from bench import bodies, wrk
from bench.installation import Installation
from bench.load import Expected, Load, Ran, figures
from bench.sinks import discarding
from bench.stage import Stage

# Callbacks are signed before the run: so many for each second of it, more than there is time for.
CALLBACKS_PER_S = 16_000
_PREPARED_S_EXTRA = 3.0


def published(stage: Stage, installation: Installation, fan_out: int) -> Ran:
    """Publish in a closed loop to so many endpoints of the discarding receiver."""
    with discarding(stage.scratch, fan_out) as sink, stage.endpoints(installation, sink):
        load = Load(stage, installation, sink, Expected(fan_out))
        return load.run(publishing(stage, installation))


def publishing(stage: Stage, installation: Installation) -> str:
    """Return the script that publishes to an installation, with numbers of its own."""
    return wrk.publishing_script(installation.port, installation.api_key, stage.first_number())


def one_worker(stage: Stage) -> dict[str, float]:
    """B1 and B5: fan-out 1, one worker."""
    with stage.installation() as installation:
        return figures(published(stage, installation, 1), 1)


def two_workers(stage: Stage) -> dict[str, float]:
    """B1: fan-out 1, two workers."""
    with stage.installation(workers=2) as installation:
        return figures(published(stage, installation, 1), 1)


def fan_out_10(stage: Stage) -> dict[str, float]:
    """B2: each event goes to 10 endpoints."""
    with stage.installation() as installation:
        return figures(published(stage, installation, 10), 10)


def fan_out_100(stage: Stage) -> dict[str, float]:
    """B2: each event goes to 100 endpoints."""
    with stage.installation() as installation:
        return figures(published(stage, installation, 100), 100)


def callbacks(stage: Stage) -> dict[str, float]:
    """B3: sent, delivered and read of each message, signed, merged, delivered."""
    with (
        stage.installation() as installation,
        discarding(stage.scratch, 1) as sink,
        stage.endpoints(installation, sink, "message.*"),
    ):
        load = Load(stage, installation, sink, Expected(1, callbacks=True))
        return figures(load.run(posting(stage, installation, merged=True)), 1)


def callbacks_stored(stage: Stage, workers: int = 1, *, crowd: bool = False) -> dict[str, float]:
    """B4: callbacks of new messages, and nobody who wants their events."""
    with stage.installation(workers=workers) as installation:
        load = Load(stage, installation, None, Expected(0, callbacks=True))
        script = posting(stage, installation, merged=False)
        return figures(load.run(script, crowd=crowd), 0)


def callbacks_stored_by_two(stage: Stage) -> dict[str, float]:
    """B4 with two workers."""
    return callbacks_stored(stage, workers=2)


def callbacks_stored_of_a_crowd(stage: Stage) -> dict[str, float]:
    """B4 with two workers that are filled to their limit."""
    return callbacks_stored(stage, workers=2, crowd=True)


def posting(stage: Stage, installation: Installation, *, merged: bool) -> str:
    """Sign the callbacks of a run, write them down, and return the script that posts them."""
    size = stage.size
    count = int((size.warm_s + size.run_s + _PREPARED_S_EXTRA) * CALLBACKS_PER_S)
    secret = installation.demo["DEMO_WHATSAPP_SECRET"]
    made = (bodies.lives if merged else bodies.arrivals)(secret, count, stage.first_number())
    path = Path(stage.scratch) / "callbacks"
    wrk.write_callbacks(path, made)
    return wrk.callback_script(installation.port, path)
