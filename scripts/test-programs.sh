#!/bin/sh
# Make sure of what the tests need beside Python packages: the programs of PostgreSQL 15, so that
# every statement is tried on the oldest version as well as on the newest.
#
# As root on Debian they are installed, without a database cluster of their own. Elsewhere a
# message says what is missing, and the tests that need it are skipped.
set -eu
programs=/usr/lib/postgresql/15/bin

[ -x "$programs/postgres" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing postgresql-15 …" >&2
    mkdir -p /etc/postgresql-common
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    export DEBIAN_FRONTEND=noninteractive
    quiet='-qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold'
    # shellcheck disable=SC2086 # several arguments on purpose
    if apt-get $quiet update >/dev/null &&
        apt-get $quiet install -y --no-install-recommends postgresql-15 >/dev/null; then
        exit 0
    fi
fi
echo "PostgreSQL 15 is not at $programs: tests that need it are skipped." >&2
