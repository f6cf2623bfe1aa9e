"""`zip.py BINARY BILL ZIP`: a Lambda package with the same bytes for the same binary and bill of materials.

A zip carries the time and mode of its files; here they are always the same, so that an unchanged function has an
unchanged checksum and is not deployed again.
"""

import sys
import zipfile

binary, bill, package = sys.argv[1:]
with zipfile.ZipFile(package, "w") as out:
    for name, path, mode in [("bootstrap", binary, 0o100755), ("forester.cdx.json", bill, 0o100644)]:
        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3  # Unix, or the mode below means nothing
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        with open(path, "rb") as content:
            out.writestr(entry, content.read(), compresslevel=9)
