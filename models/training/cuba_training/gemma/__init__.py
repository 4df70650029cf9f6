"""Gemma 3 270M as a translator: trimmed to the shipped languages, with a LoRA adapter trained on sentence pairs.

Commands, in order: `choose` (which tokens stay), `trim` (the smaller GGUF), `train` (the adapter), `export` (the adapter as
GGUF), `recipe` (what `cuba packs add` makes the pack from). The base model is the public Q4_K_M file; nothing is requantised,
so the trimmed model's rows are the base model's.
"""
