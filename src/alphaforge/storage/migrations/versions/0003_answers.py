"""What answering from memory needs: PostgreSQL announces its commits, and answers to writes can be given again."""

import sqlalchemy as sa
from alembic import op

from alphaforge.storage import announcements

revision = "0003_answers"
down_revision = "0002_alphaforge"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add them."""
    op.create_table(
        "idempotent_answers",
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("request", sa.String(64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
    )
    op.create_index("ix_idempotent_answers_age", "idempotent_answers", ["created_at"])
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for statement in announcements.create_statements():
            connection.exec_driver_sql(statement)


def downgrade() -> None:
    """Take them away."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        for statement in announcements.drop_statements():
            connection.exec_driver_sql(statement)
    op.drop_table("idempotent_answers")
