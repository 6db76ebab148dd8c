"""The shell, one verb a file: load, ask the domain, save. Sessions and the time are handed in."""
