#!/usr/bin/env python3
"""align.py FROM TO: an APK whose libraries begin at multiples of 16 KiB, other stored files at multiples of 4 bytes, so that both can be
mapped where they lie. align.py --check APK: fails where they do not. (Debian's zipalign knows pages of 4 KiB only.)
"""
import struct
import sys
import zipfile

PAGE, WORD = 16384, 4
ALIGNMENT_FIELD = 0xD935  # {u16 alignment, padding}: apksigner keeps what it says


def boundary(name: str) -> int:
    return PAGE if name.endswith(".so") else WORD


def align(source: str, target: str) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for entry in old.infolist():
            fresh = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            stored = entry.compress_type == zipfile.ZIP_STORED or entry.filename.endswith((".so", "resources.arsc"))
            fresh.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            fresh.external_attr = entry.external_attr
            if stored:
                to = boundary(entry.filename)
                begins = new.fp.tell() + 30 + len(entry.filename.encode()) + 6
                padding = -begins % to
                fresh.extra = struct.pack("<HHH", ALIGNMENT_FIELD, 2 + padding, to) + bytes(padding)
            new.writestr(fresh, old.read(entry))


def check(path: str) -> None:
    with zipfile.ZipFile(path) as archive, open(path, "rb") as file:
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                if entry.filename.endswith(".so"):
                    sys.exit(f"error: {entry.filename} is compressed: it cannot be mapped")
                continue
            file.seek(entry.header_offset + 26)
            name, extra = struct.unpack("<HH", file.read(4))
            begins = entry.header_offset + 30 + name + extra
            if begins % boundary(entry.filename):
                sys.exit(f"error: {entry.filename} begins at {begins}, no multiple of {boundary(entry.filename)}")


check(sys.argv[2]) if sys.argv[1] == "--check" else align(*sys.argv[1:])
