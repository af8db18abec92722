"""The command line's commands, run as people run them."""
