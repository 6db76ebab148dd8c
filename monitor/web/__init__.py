"""HTTP: the provider's webhooks, health and metrics, the built-in phones."""
