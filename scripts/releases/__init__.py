"""The project on other Debians, Ubuntus and Pythons. Standard library only, a file each: they run before
there is a .venv, as root, and leave nothing here."""
