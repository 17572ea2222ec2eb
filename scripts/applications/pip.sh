# A wheel, made on the spot, installed into a folder and then replaced.
tools="pip"
furnish() {
    "$PYTHON" - "$LOCAL" "$SIZE" <<'PY'
import sys, zipfile

folder, size = sys.argv[1], int(sys.argv[2])
files = {f"parcel/part{n}.py": f"def part{n}():\n    return {n}\n" * (1 + n) for n in range(size // 3)}
files["parcel/__init__.py"] = "from parcel.part0 import part0\n"
files["parcel-1.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: parcel\nVersion: 1\n"
files["parcel-1.dist-info/WHEEL"] = "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
files["parcel-1.dist-info/RECORD"] = "".join(f"{name},,\n" for name in [*files, "parcel-1.dist-info/RECORD"])
with zipfile.ZipFile(f"{folder}/parcel-1-py3-none-any.whl", "w") as wheel:
    for name, text in files.items():
        wheel.writestr(name, text)
PY
}
run() {
    set -- -q --disable-pip-version-check --no-index --no-cache-dir --no-deps --root-user-action ignore
    "$PYTHON" -m pip install "$@" --target site "$LOCAL/parcel-1-py3-none-any.whl"
    "$PYTHON" -m pip install "$@" --target site --upgrade "$LOCAL/parcel-1-py3-none-any.whl"
}
