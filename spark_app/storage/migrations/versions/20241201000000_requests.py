"""Requests: one row for each generation and export."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import UUID

revision = "20241201000000"
down_revision = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "spark_requests",
        sa.Column("id", UUID(as_uuid=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("request_id", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
        sa.Column("script_name", sa.Text, nullable=False),
        sa.Column("duration_ms", sa.Double, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("model", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("format", sa.Text),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("code_bytes", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_spark_requests_at", "spark_requests", ["at"])


def downgrade() -> None:
    """Undo."""
    op.drop_table("spark_requests")
