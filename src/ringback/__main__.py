"""`python -m ringback` is the `ringback` command."""

from ringback.cli.main import main

main()
