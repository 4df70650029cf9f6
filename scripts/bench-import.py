#!/usr/bin/env python3
"""Speed of the Apple Health importer beside other readers of the same XML; run it as `scripts/bench import [--mb N]`.

Ours reads, converts, compresses, encrypts and stores; quick-xml does nothing but read events and attributes, which is
the limit of a general reader; Python's lxml (iterparse) reads each record's attributes and stores nothing either. All
on one thread, taking turns; the best round counts. Speeds are megabytes of XML a second of processor time, since the
wall clock of a busy machine says little.

`--others N` measures the other formats instead, on synthetic exports of N and 4 N MB (`scripts/gen-health-exports`):
`growth` is the time a megabyte of the larger against the smaller, 1 when work grows with the file and not faster.
"""
import argparse, json, pathlib, subprocess, sys

LXML = r'''
import json, resource, sys
from lxml import etree

class Clean:
    """lxml takes neither Apple's DTD nor vertical tabs."""
    def __init__(self, file):
        self.file, self.first = file, True
    def read(self, size=-1):
        data = self.file.read(1 << 16 if size < 0 else max(size, 1 << 15))
        if self.first:
            self.first = False
            while b"]>" not in data:
                data += self.file.read(1 << 16)
            data = data[data.index(b"]>") + 2:].lstrip()
        return data.translate(None, b"\x0b")

records = 0
for _, element in etree.iterparse(Clean(open(sys.argv[1], "rb")), events=("end",), huge_tree=True):
    if element.tag == "Record":
        records += 1
        row = [element.get(name) for name in ("type", "sourceName", "unit", "startDate", "endDate", "value")]
    parent = element.getparent()
    if parent is not None and parent.tag == "HealthData":
        element.clear()
        while element.getprevious() is not None:
            del parent[0]
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"reader": "lxml", "records": records, "cpu_s": used.ru_utime + used.ru_stime, "rss_mb": used.ru_maxrss / 1024}))
'''


def last_json(command):
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout
    return json.loads(out.strip().splitlines()[-1])


def others(args):
    generator = pathlib.Path(__file__).with_name("gen-health-exports")
    sizes, got = {}, {}
    for mb in (args.others, args.others * 4):
        folder = args.cache / f"others-{mb:g}"
        sizes[mb] = last_json([sys.executable, generator, "--mb", str(mb), folder])
        for name in sizes[mb]:
            runs = [last_json([args.bench, folder / name]) for _ in range(args.rounds)]
            got[mb, name] = min(runs, key=lambda run: run["cpu_s"])
    print("| export | MB unpacked | records | MB/s of processor time | thousand records/s | growth | peak MiB |\n| --- | --- | --- | --- | --- | --- | --- |")
    small, large = args.others, args.others * 4
    result = {}
    for name, size in sizes[large].items():
        run, less = got[large, name], got[small, name]
        growth = (run["cpu_s"] / size) / (max(less["cpu_s"], 0.01) / sizes[small][name])
        speed = size / 1e6 / run["cpu_s"]
        print(f"| {name} | {size / 1e6:.0f} | {run['read']} | {speed:.0f} | {run['read'] / run['cpu_s'] / 1e3:.0f} | {growth:.2f} | {run['rss_mb']:.1f} |")
        result[name] = {"mb_per_cpu_s": round(speed, 1), "records": run["read"], "growth": round(growth, 2), "peak_mib": run["rss_mb"]}
    print(json.dumps({"bench": "import of other formats", "exports": result}))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=float, default=300)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--bench", required=True, help="the example bench_import")
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--others", type=float, metavar="MB")
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    if args.others:
        return others(args)
    generator = pathlib.Path(__file__).with_name("gen-apple-export")
    files = {kind: args.cache / f"export-{args.mb:g}.{kind}" for kind in ("xml", "zip")}
    for path in files.values():
        facts = last_json([sys.executable, generator, "--mb", str(args.mb), path])
    megabytes = facts["xml_bytes"] / 1e6
    try:
        import lxml  # noqa: F401
        has_lxml = True
    except ImportError:
        has_lxml = False
    runs = {
        "cuba, export.zip": [args.bench, files["zip"]],
        "cuba, export.xml": [args.bench, files["xml"]],
        "quick-xml events only, zip": [args.bench, files["zip"], "events"],
        "quick-xml events only, xml": [args.bench, files["xml"], "events"],
    }
    if has_lxml:
        runs["lxml, xml"] = [sys.executable, "-c", LXML, files["xml"]]
    best = {}
    for _ in range(args.rounds):
        for name, command in runs.items():
            got = last_json(command)
            if name not in best or got["cpu_s"] < best[name]["cpu_s"]:
                best[name] = got
    print(f"{megabytes:.0f} MB of XML, {facts['elements']['Record']} records")
    print("| reader | MB/s of processor time | of quick-xml's events | peak MiB |\n| --- | --- | --- | --- |")
    speed = {name: megabytes / got["cpu_s"] for name, got in best.items()}
    for name, got in best.items():
        limit = speed["quick-xml events only, zip" if "zip" in name else "quick-xml events only, xml"]
        print(f"| {name} | {speed[name]:.0f} | {speed[name] / limit:.2f} | {got['rss_mb']:.1f} |")
    ours = best["cuba, export.zip"]
    print(json.dumps({
        "bench": "import", "xml_mb": round(megabytes), "records": facts["elements"]["Record"],
        "zip_mb_per_cpu_s": round(speed["cuba, export.zip"]), "xml_mb_per_cpu_s": round(speed["cuba, export.xml"]),
        "of_quick_xml_zip": round(speed["cuba, export.zip"] / speed["quick-xml events only, zip"], 2),
        "of_quick_xml": round(speed["cuba, export.xml"] / speed["quick-xml events only, xml"], 2),
        "of_lxml": round(speed["cuba, export.xml"] / speed["lxml, xml"], 1) if has_lxml else None,
        "peak_mib": max(best[name]["rss_mb"] for name in ("cuba, export.zip", "cuba, export.xml")),
        "stored": ours["stored"], "database_mb": ours["database_mb"],
    }))


if __name__ == "__main__":
    main()
