"""The steps of the pipeline, each assembled from the rooms below: ingest, replay, compare.

What Python calls (`smbench.replay`) and the commands call leads here; nothing here prints, and what is worth
knowing on the way is told to a `Progress`. Not `smbench/replay/`: a package of that name would be what
`smbench.replay` means once it is imported, and the function could not be called any more.
"""
