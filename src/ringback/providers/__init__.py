"""Floor 1: provider adapters. Bytes in, events out; no sockets, no files, no clock."""
