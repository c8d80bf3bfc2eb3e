"""A change, and then an error about something that was not expected."""

from alembic import op

revision = "20250101000000"
down_revision = "20241207000000"
compatible_with = "20241207000000"


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE spark_usage ADD COLUMN note text")
    op.execute("ALTER TABLE spark_usage ADD COLUMN day date")


def downgrade() -> None:
    """Undo."""
    op.execute("ALTER TABLE spark_usage DROP COLUMN note")
