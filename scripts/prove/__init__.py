"""What `scripts/prove-instrument` proves. A subject is a file here, with a function `prove` and a first line
that says what it proves, and its line in SUBJECTS of `command`."""
