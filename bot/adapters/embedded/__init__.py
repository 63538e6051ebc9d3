"""The built-in model: it quotes, sorts and picks out; it does not write."""
