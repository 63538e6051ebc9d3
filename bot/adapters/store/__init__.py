"""The relational store: SQLAlchemy on SQLite and PostgreSQL."""
