"""memory.py STARTER: what 200 sentences cost a Python process; prints megabytes (10^6) of resident memory as one line."""

import resource
import sys
import tempfile
from pathlib import Path


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


before = peak()
import cuba  # noqa: E402  (measured)

with tempfile.TemporaryDirectory() as home, cuba.open(home) as client:
    client.packs.add(str(Path(sys.argv[1]) / "en-es"))
    opened = peak()
    lines = [f"Good morning, the train number {n} leaves at noon." for n in range(200)]
    done = client.translate.batch(lines, to="es", from_="en")
    assert len(done) == 200 and all(done)
    print(f"Python: {before:.0f} MB at the start, {opened:.0f} MB with a pack added, {peak():.0f} MB at most")
