"""The way to phones: one interface, a real provider and the built-in phones behind it."""
