"""Everything about being this organisation's bot."""
