"""Pure decisions: facts in, decisions out. No I/O, no framework, time is an argument."""
