# Files and folders renamed, over others too; a folder that cannot be, because a file in it is open.
furnish() {
    for folder in 1 2 3 4 5; do
        mkdir "$1/folder $folder"
        for file in 1 2 3 4; do echo "$folder $file" > "$1/folder $folder/file $file"; done
    done
}
run() {
    "$PYTHON" - <<'PY'
import os

for folder in range(1, 6):
    os.rename(f"folder {folder}/file 1", f"folder {folder}/first")
    os.rename(f"folder {folder}/file 2", f"folder {folder}/first")
    os.rename(f"folder {folder}/file 3", f"third of {folder}")
    os.rename(f"folder {folder}", f"moved {folder}")
    os.rename(f"moved {folder}/file 4", f"moved {folder}/FILE 4")
    os.rename(f"third of {folder}", f"moved {folder}/third")
held = open("moved 1/first")
for source, target in (("moved 1", "held"), ("moved 2", "moved 3"), ("moved 4", "moved 4/inside"), ("none", "some")):
    try:
        os.rename(source, target)
    except OSError:
        pass
held.close()
os.rename("moved 1", "held")
for number in range(30):
    os.rename("held/first" if number % 2 == 0 else "first", "first" if number % 2 == 0 else "held/first")
PY
}
