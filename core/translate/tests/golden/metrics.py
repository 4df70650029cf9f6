#!/usr/bin/env python3
"""Values for tests/golden_metrics.rs, computed with sacrebleu 2.x: `python metrics.py > metrics.golden`."""
import os
import sacrebleu

here = os.path.dirname(os.path.abspath(__file__))
rows = [line.rstrip("\n").split("\t", 1) for line in open(os.path.join(here, "metrics.tsv"), encoding="utf-8")]
sets = [rows[i:i + 1] for i in range(len(rows))] + [rows, rows[:4], rows[4:8], rows[::2]]
for chosen in sets:
    hyp, ref = [r[0] for r in chosen], [[r[1] for r in chosen]]
    print(f"{sacrebleu.corpus_bleu(hyp, ref).score:.10f}\t{sacrebleu.corpus_chrf(hyp, ref).score:.10f}")
