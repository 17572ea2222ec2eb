"""What measures the tool, and what makes or checks the captures for it: a module each, with a `main`.

scripts/in-venv carries them out by .venv, but `make_traffic`, which needs the standard library alone."""
