"""Gemma's tokeniser from the tables of a GGUF file, as llama.cpp applies it: byte pairs merged by score over the whole line."""

from __future__ import annotations

import numpy as np
import sentencepiece as spm
from sentencepiece import sentencepiece_model_pb2 as proto

from . import container

NORMAL, UNKNOWN, CONTROL, USER, BYTE = 1, 2, 3, 4, 6
SPACE = "\u2581"


def of(model: container.Gguf, kept: np.ndarray | None = None) -> spm.SentencePieceProcessor:
    """The tokeniser of a model, or what it will be once only the tokens `kept` are left."""
    pieces = model.entry("tokenizer.ggml.tokens").elements
    scores, kinds = model.array("tokenizer.ggml.scores", "<f4"), model.array("tokenizer.ggml.token_type", "<i4")
    unknown = model.entry("tokenizer.ggml.unknown_token_id").number()
    result = proto.ModelProto()
    for i in range(len(pieces)) if kept is None else kept:
        kind = UNKNOWN if i == unknown else int(kinds[i])
        result.pieces.add(piece=pieces[i].decode(), score=float(scores[i]), type=kind)
    trainer, normalizer = result.trainer_spec, result.normalizer_spec
    trainer.model_type, trainer.byte_fallback = proto.TrainerSpec.BPE, True
    names = {"bos_piece": "bos", "eos_piece": "eos", "unk_piece": "unknown", "pad_piece": "padding"}
    for field, name in names.items():
        setattr(trainer, field, pieces[model.entry(f"tokenizer.ggml.{name}_token_id").number()].decode())
    normalizer.name, normalizer.add_dummy_prefix = "identity", False
    normalizer.remove_extra_whitespaces, normalizer.escape_whitespaces = False, True
    return spm.SentencePieceProcessor(model_proto=result.SerializeToString())


class Merges:
    """The merges of a model's tokeniser."""

    def __init__(self, model: container.Gguf):
        self.pieces = [p.decode(errors="replace") for p in model.entry("tokenizer.ggml.tokens").elements]
        self.scores, self.kinds = model.array("tokenizer.ggml.scores", "<f4"), model.array("tokenizer.ggml.token_type", "<i4")
        self.ids = {p: i for i, p in enumerate(self.pieces) if self.kinds[i] == NORMAL}

    def path(self, token: int) -> set[int]:
        """The token and all that is met while it is merged from its characters: best score first, leftmost of equals."""
        met = {token}
        if self.kinds[token] != NORMAL:
            return met
        parts = list(self.pieces[token])
        met |= {self.ids[p] for p in parts if p in self.ids}
        while True:
            joined = [(self.scores[self.ids[a + b]], -i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in self.ids]
            if not joined:
                return met
            at = -max(joined)[1]
            parts[at : at + 2] = [parts[at] + parts[at + 1]]
            met.add(self.ids[parts[at]])
