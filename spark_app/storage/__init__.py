"""PostgreSQL with its tables and migrations, Redis, and the pool of dependencies."""
