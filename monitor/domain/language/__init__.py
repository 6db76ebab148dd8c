"""How a patient's words are understood: from tokens to signs, numbers and intent. `interpret.py` is the way in."""
