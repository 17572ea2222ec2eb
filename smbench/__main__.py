"""`python -m smbench`: the command, where its script is not in the path."""

from smbench.cli import main

if __name__ == "__main__":
    main(prog_name="smbench-mount")
