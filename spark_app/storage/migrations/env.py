"""Alembic's environment: runs on the connection that ``spark_app.storage.migrate`` hands over."""

from alembic import context

from spark_app.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transaction_per_migration=True,
    version_table="spark_schema_version",
    on_version_apply=context.config.attributes["on_version_apply"],
)

with context.begin_transaction():
    context.run_migrations()
