"""Captures that cannot be read, and an ingest that is ended."""
