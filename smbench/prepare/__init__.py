"""The files that a workload presumes: made, checked and removed beneath one directory.

Invariant: a manifest in the target says what is prepare's before anything is made; what is not in it, nor
beneath a directory that is, is never changed or removed. Names come from captures: every path goes through
`smbench.paths.beneath`. Start reading at `make.prepare`.
"""
