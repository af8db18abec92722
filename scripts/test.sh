#!/bin/sh
# Runs all tests: those of processes, signals and browsers here, all others in the background.
# Most of their time is waiting, so that two cores have room for both.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
here="tests/up tests/proof tests/embedded tests/test_first_page.py tests/test_bench.py tests/cli \
tests/storage tests/panel"
others=$(mktemp)
trap 'rm -f "$others"' EXIT
trap 'kill "$beside" 2>/dev/null; exit 130' INT TERM
ignored=""
for one in $here; do ignored="$ignored --ignore=$one"; done
# shellcheck disable=SC2086 # lists of words
$python -m pytest $ignored >"$others" 2>&1 &
beside=$!
# What runs in the background of a script ignores Ctrl-C, and so would the programs it starts.
# shellcheck disable=SC2086
$python -m pytest $here
first=$?
wait "$beside"
second=$?
cat "$others"
[ "$first" -eq 0 ] && [ "$second" -eq 0 ]
