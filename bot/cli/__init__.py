"""The commands of the terminal, one family a module."""
