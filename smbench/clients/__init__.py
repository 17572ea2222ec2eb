"""What an operating system's client puts on the wire for each call: trials, calibration, client profiles."""
