"""Tests of the REST API, over ASGI, on a real PostgreSQL."""
