"""The embedded server's settings, as the text of `ringback.conf`. Pure but for two look-ups.

The file is rewritten at every start. What a person wants otherwise goes into `custom.conf` in
the data directory, which is read after it; the socket and the port cannot be changed.
"""

from pathlib import Path

import psutil

MIB = 1024 * 1024
LOG_FILE_MIB = 10
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def memory_bytes() -> int:
    """Return the memory that this machine or container has, in bytes."""
    limits = [int(psutil.virtual_memory().total)]
    for path in CGROUP_LIMITS:
        try:
            limits.append(int(path.read_text().strip()))
        except (OSError, ValueError):  # no limit file, or "max"
            continue
    return min(limits)


def settings_text(memory: int) -> str:
    """Return the settings for a machine with `memory` bytes."""
    shared = _within(memory // 8, 32 * MIB, 512 * MIB)
    maintenance = _within(memory // 16, 16 * MIB, 128 * MIB)
    lines = [
        "# Written by Ringback at every start. Put what you want otherwise into custom.conf,",
        "# in this directory; then start Ringback again.",
        "",
        "# An answer to a provider means that its callback is on the disk.",
        "fsync = on",
        "full_page_writes = on",
        "synchronous_commit = on",
        "",
        "# A share of the memory that this machine or container had at this start.",
        "max_connections = 100",
        f"shared_buffers = {shared // MIB}MB",
        f"effective_cache_size = {max(memory // 2, shared) // MIB}MB",
        f"maintenance_work_mem = {maintenance // MIB}MB",
        "work_mem = 8MB",
        "",
        "# Fewer checkpoints write less; a recovery reads at most this much.",
        "checkpoint_timeout = 10min",
        "max_wal_size = 2GB",
        "min_wal_size = 128MB",
        "",
        "# Short statements of few plans, on cores that the workers need.",
        "jit = off",
        "max_parallel_workers_per_gather = 0",
        "random_page_cost = 1.1",
        "max_locks_per_transaction = 256  # partitions",
        "",
        "# The table of open work is small and changes all the time.",
        "autovacuum = on",
        "autovacuum_naptime = 15s",
        "",
        "# Log files are kept to the newest few by Ringback. No statement and no row is logged,",
        "# because they hold telephone numbers and texts.",
        "logging_collector = on",
        "log_directory = '../log'",
        "log_filename = 'postgresql-%Y%m%d-%H%M%S.log'",
        f"log_rotation_size = {LOG_FILE_MIB}MB",
        "log_rotation_age = 1d",
        "log_line_prefix = '%m [%p] '",
        "log_error_verbosity = terse",
        "log_min_error_statement = panic",
        "log_timezone = 'UTC'",
        "timezone = 'UTC'",
        "lc_messages = 'C'",
        "cluster_name = 'ringback'",
        "",
    ]
    return "\n".join(lines)


def _within(value: int, least: int, most: int) -> int:
    return max(least, min(value, most))
