"""The heart: a request for a replay, and how it is carried out. Nothing here prints."""
