"""The private PostgreSQL of `ringback up`: start at `server`; the other modules are its parts."""
