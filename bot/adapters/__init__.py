"""One outside library each; its types and exceptions stop here."""
