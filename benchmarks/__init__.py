"""Side-by-side measurements, each with the command that repeats it."""
