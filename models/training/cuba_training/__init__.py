"""Training of Cuba's own small translation models on a laptop CPU.

text -> cleaning -> SentencePiece -> training -> int8 in the Marian layout -> evaluation -> model card.

Border: this package must not be needed by a user of Cuba. It makes packs; `core/nmt` reads them. It never
opens the network: every input is a local folder (`--data`), every output goes to `--work`.
"""
