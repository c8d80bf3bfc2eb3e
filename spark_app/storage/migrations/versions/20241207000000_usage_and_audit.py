"""Usage per key and day, and the audit log."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, UUID

revision = "20241207000000"
down_revision = "20241201000000"
# It only adds tables.
compatible_with = "20241201000000"


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spark_usage",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("generations", sa.BigInteger, nullable=False),
        sa.Column("exports", sa.BigInteger, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "spark_audit_log",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("detail", JSONB, nullable=False),
    )
    op.create_index("ix_spark_audit_log_at", "spark_audit_log", ["at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("spark_audit_log")
    op.drop_table("spark_usage")
