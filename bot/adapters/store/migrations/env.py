"""Run by Alembic: applies migrations on the connection that `migrate` opened."""

from alembic import context

from bot.adapters.store.all_tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=connection.dialect.name == "sqlite",
)
context.run_migrations()
