#!/usr/bin/env python3
"""pom.py LIST: a Maven file for a list of artifacts, for `scripts/screens android`.

Lines with a kind (`group:artifact:version:aar`) are pinned alone: what they would draw in is in the list too. Others bring their own.
"""
import sys

ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
print("<project><modelVersion>4.0.0</modelVersion><groupId>cuba</groupId><artifactId>list</artifactId><version>1</version><dependencies>")
for line in open(sys.argv[1], encoding="utf-8"):
    parts = line.split("#")[0].strip().split(":")
    if len(parts) >= 3:
        kind = f"<type>{parts[3]}</type>{ALONE}" if len(parts) == 4 else ""
        print(f"<dependency><groupId>{parts[0]}</groupId><artifactId>{parts[1]}</artifactId><version>{parts[2]}</version>{kind}</dependency>")
print("</dependencies></project>")
