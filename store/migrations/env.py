"""Alembic's entry: run the migrations on the connection, and in the transaction, of `Database.upgrade`."""

from alembic import context

from store.tables import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
context.run_migrations()
