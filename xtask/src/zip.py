"""`zip.py BINARY ZIP`: a Lambda package with the same bytes for the same binary.

A zip carries the time and mode of its files; here they are always the same, so that an unchanged function has an
unchanged checksum and is not deployed again.
"""

import sys
import zipfile

binary, package = sys.argv[1:]
entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
entry.create_system = 3  # Unix, or the mode below means nothing
entry.external_attr = 0o100755 << 16
entry.compress_type = zipfile.ZIP_DEFLATED
with open(binary, "rb") as content, zipfile.ZipFile(package, "w") as out:
    out.writestr(entry, content.read(), compresslevel=9)
