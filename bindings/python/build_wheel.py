"""Builds the wheel: compiles the Rust library with cargo and packs it with the Python files (PEP 517 backend).

No build dependency: nothing is fetched but what cargo fetches. `CUBA_PROFILE` chooses the cargo profile (release),
`CUBA_LIBRARY` a library that was built before. The wheel is tagged for this machine's platform; it is not audited for
manylinux, so it is for the machine that built it and others like it.
"""

import base64
import csv
import hashlib
import io
import os
import platform
import subprocess
import sysconfig
import tomllib
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAMES = {"Windows": "cuba_ffi.dll", "Darwin": "libcuba_ffi.dylib"}
LIBRARY = NAMES.get(platform.system(), "libcuba_ffi.so")
# The same wheel from the same sources: no clock in it.
EPOCH = (1980, 1, 1, 0, 0, 0)


def project():
    return tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def library():
    """The compiled library: given, or built now."""
    if given := os.environ.get("CUBA_LIBRARY"):
        return Path(given)
    profile = os.environ.get("CUBA_PROFILE", "release")
    command = ["cargo", "build", "--locked", "-p", "cuba-ffi", "--profile", profile]
    subprocess.run(command, cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    return target / ("debug" if profile == "dev" else profile) / LIBRARY


def metadata(about):
    return (
        f"Metadata-Version: 2.4\nName: {about['name']}\nVersion: {about['version']}\n"
        f"Summary: {about['description']}\nRequires-Python: {about['requires-python']}\n"
        f"License-Expression: {about['license']}\n"
    )


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Writes the wheel and gives its file name."""
    about = project()
    tag = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
    name = f"{about['name']}-{about['version']}"
    info = f"{name}.dist-info"
    files = {f"cuba/{path.name}": path.read_bytes() for path in sorted((HERE / "src/cuba").glob("*.*")) if path.is_file()}
    files[f"cuba/{LIBRARY}"] = library().read_bytes()
    files[f"{info}/METADATA"] = metadata(about).encode()
    wheel = f"Wheel-Version: 1.0\nGenerator: cuba\nRoot-Is-Purelib: false\nTag: {tag}\n"
    files[f"{info}/WHEEL"] = wheel.encode()
    files[f"{info}/licenses/LICENSE"] = (ROOT / "LICENSE").read_bytes()
    rows = io.StringIO()
    record = csv.writer(rows, lineterminator="\n")
    for path, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        record.writerow([path, f"sha256={digest}", len(content)])
    record.writerow([f"{info}/RECORD", "", ""])
    files[f"{info}/RECORD"] = rows.getvalue().encode()
    file_name = f"{name}-{tag}.whl"
    with zipfile.ZipFile(Path(wheel_directory) / file_name, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(path, EPOCH)
            entry.external_attr = (0o755 if path.endswith(LIBRARY) else 0o644) << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    return file_name


def build_sdist(sdist_directory, config_settings=None):
    """A source archive would have to hold the whole workspace: clone the repository instead."""
    raise RuntimeError("build from a clone of the repository: pip install ./bindings/python")
