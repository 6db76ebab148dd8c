"""Read-only lists for people: commands, the console, later the API. What is read here decides nothing."""
