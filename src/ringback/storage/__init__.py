"""Floor 1: PostgreSQL. The only place that knows SQL and asyncpg."""
