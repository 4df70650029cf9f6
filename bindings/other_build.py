"""other_build.py LIBRARY COPY: a library of another build, as far as a package can tell: one method's checksum is another.

Packages must refuse it (tests of scripts/bindings). The checksum stands in the method's code as a number; x86-64 only.
"""
import ctypes
import shutil
import struct
import sys

library, copy = sys.argv[1:]
checksum = ctypes.CDLL(library).uniffi_cuba_ffi_checksum_method_translate_detect
checksum.restype = ctypes.c_uint16
address = ctypes.cast(checksum, ctypes.c_void_p).value
number = struct.pack("<H", checksum())
address += ctypes.string_at(address, 16).index(number)
for line in open("/proc/self/maps", encoding="utf-8"):
    span, _, offset, *_ = line.split()
    begin, end = (int(part, 16) for part in span.split("-"))
    if begin <= address < end:
        shutil.copyfile(library, copy)
        with open(copy, "r+b") as file:
            file.seek(address - begin + int(offset, 16))
            assert file.read(2) == number
            file.seek(-2, 1)
            file.write(struct.pack("<H", checksum() ^ 1))
        break
else:
    sys.exit("the method's code was not found")
