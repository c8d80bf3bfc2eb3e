"""PostgreSQL: tables, migrations, and the writer of records."""
