#!/bin/sh
# Runs all tests in two halves beside each other: most of their time is waiting, so that two cores
# have room for both. Each has its own servers, ports and directories.
#
# The first half is shown as it goes, then the other. At the end: the slowest tests of both, what
# failed in the half that was shown first once more, and how both ended.
set -u
cd "$(dirname "$0")/.."
python=.venv/bin/python
# What takes about half of the time; the rest is the other half.
here="tests/up tests/proof tests/panel tests/embedded tests/test_first_page.py"
said=$(mktemp -d)
beside=
trap 'rm -rf "$said"' EXIT
trap 'kill $beside 2>/dev/null; exit 130' INT TERM
ignored=""
for one in $here; do ignored="$ignored --ignore=$one"; done
slowest="--durations=10 --durations-min=1"
# shellcheck disable=SC2086 # lists of words
$python -m pytest $slowest $ignored >"$said/other" 2>&1 &
beside=$!
# What runs in the background of a script ignores Ctrl-C, and so would the programs it starts.
# shellcheck disable=SC2086
{ $python -m pytest $slowest $here 2>&1; echo $? >"$said/code"; } | tee "$said/first"
echo "The other half, from its beginning:"
tail -n +1 -f --pid="$beside" "$said/other"
wait "$beside"
second=$?
first=$(cat "$said/code")
if [ "$first" -ne 0 ]; then
    echo "What failed in the first half:"
    sed -n '/^=* \(ERRORS\|FAILURES\) =*$/,/^=* slowest/p' "$said/first" | sed '$d'
    sed -n '/^=* short test summary/,$p' "$said/first"
fi
echo "The slowest of both halves:"
sed -n 's/^\([0-9.]*s \(setup\|call\|teardown\) \)/\1/p' "$said/first" "$said/other" |
    sort -rn | head -10
tail -qn 1 "$said/first" "$said/other"
[ "$first" -eq 0 ] && [ "$second" -eq 0 ]
