"""What `scripts/prove-faults` injects. A case is a function of a file here with `@case`: it begins a replay,
does the harm, and says what must come of it."""
