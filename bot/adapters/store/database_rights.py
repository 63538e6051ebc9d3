"""The rights of a PostgreSQL role that runs the product and owns nothing of it."""

import re

APPEND_ONLY = ("audit_events", "checkpoints", "ledger")
"""What is inserted and read, and never changed."""


class InvalidRoleName(Exception):
    """Not a plain name of a PostgreSQL role; fact `role`."""

    def __init__(self, role: str) -> None:
        super().__init__(role)
        self.facts = {"role": role}


def rights(role: str) -> tuple[str, ...]:
    """What the owner of the tables runs after each migration. Raises InvalidRoleName."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", role):
        raise InvalidRoleName(role)
    return (
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}",
        f"REVOKE UPDATE, DELETE, TRUNCATE, TRIGGER ON {', '.join(APPEND_ONLY)} FROM {role}",
    )
