"""The nine raw files: found, loaded as text, and refused in one sentence when they are not what is declared."""
