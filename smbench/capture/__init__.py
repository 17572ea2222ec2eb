"""Capture files in, a Trace out: tshark finds and opens every SMB2 message, this package reads them."""
