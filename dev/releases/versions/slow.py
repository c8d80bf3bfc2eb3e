"""A column more, and time enough to be killed half way."""

from alembic import op

revision = "20250101000000"
down_revision = "20241207000000"
compatible_with = "20241207000000"


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE spark_requests ADD COLUMN note text")
    op.execute("SELECT pg_sleep(6)")


def downgrade() -> None:
    """Undo."""
    op.execute("ALTER TABLE spark_requests DROP COLUMN note")
