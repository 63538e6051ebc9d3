"""The schema's history, one module a step, applied by bot.adapters.store.migrate."""
