"""A removal of what the version before added: only the release before this one still runs."""

from alembic import op

revision = "20250201000000"
down_revision = "20250101000000"
compatible_with = "20250101000000"


def upgrade() -> None:
    """Apply."""
    op.execute("ALTER TABLE spark_usage DROP COLUMN note")


def downgrade() -> None:
    """Undo."""
    op.execute("ALTER TABLE spark_usage ADD COLUMN note text")
