#!/usr/bin/env python3
"""Builds src/detect/table.bin, the n-gram weights of language identification.

    python3 -m venv venv && venv/bin/pip install numpy scipy
    venv/bin/pip download --no-deps --python-version 3.13 --only-binary :all: homeassistant==2025.4.4
    venv/bin/pip download --no-deps home-assistant-frontend==20250109.2
    venv/bin/python language_table.py OUT.bin WHEEL... [--text LANG=FILE]...

Source text: the interface translations in the two wheels (Apache-2.0, about sixty languages) and, where given,
further permissive text files (one sentence a line, .xz allowed). Only weights of character n-grams are kept.

Method: multinomial logistic regression over the n-grams (1 to 5 characters, word boundaries marked) of single words,
word pairs and sentences, lower-cased; trained on the scores the Rust side computes: the sum of the weights of
the n-grams found, divided by the square root of their number. Only languages of the Latin and Cyrillic scripts are in the table; for the others the script decides.
"""
import array, collections, functools, json, lzma, re, struct, sys, unicodedata, zipfile
import numpy as np

LATIN = "af ca cs da de en es et fi fr gl hr hu id is it lt lv nb nl pl pt ro sk sl sq sv tr vi".split()
CYRILLIC = "bg mk ru sr uk be".split()
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*", re.U)
FEATURES = 7900
# Training samples a language: the languages of the first packs, and those hard to tell from them, weigh more.
SAMPLES = {"en": 80_000, "es": 80_000, "fr": 80_000, "pt": 80_000, "it": 40_000, "de": 40_000, "ca": 25_000, "gl": 15_000,
           "ru": 25_000, "uk": 25_000}
OTHER_SAMPLES = 12_000


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def wheels(paths):
    texts = collections.defaultdict(set)
    for path in paths:
        archive = zipfile.ZipFile(path)
        for name in sorted(archive.namelist()):
            match = re.search(r"/translations/(?:[^/]*/)*([A-Za-z-]+?)(?:-[0-9a-f]{32})?\.json$", name)
            if not match:
                continue
            lang = match.group(1)
            lang = {"pt-BR": "pt", "en-GB": "en", "es-419": "es"}.get(lang, lang)
            if lang not in LATIN and lang not in CYRILLIC:
                continue
            try:
                data = json.loads(archive.read(name))
            except ValueError:
                continue
            for text in strings(data):
                text = re.sub(r"\{[^{}]*\}|\[%[^%]*%\]|<[^>]*>|https?://\S+|`[^`]*`", " ", text)
                texts[lang].add(unicodedata.normalize("NFC", text))
    english = texts["en"]
    return {lang: sorted(t if lang == "en" else t - english) for lang, t in texts.items()}


def words_of(text):
    return [w.lower().replace("’", "'") for w in WORD.findall(text)]


@functools.lru_cache(maxsize=None)
def ngrams(word):
    padded = f"_{word}_"
    seen = []
    for n in range(1, 6):
        for i in range(len(padded) - n + 1):
            gram = padded[i:i + n]
            if gram != "_":
                seen.append(gram)
    return tuple(seen)


def samples(lines, rng, count):
    """Word lists: a third single words (by type, weighted by the root of frequency), a third pairs, the rest sentences."""
    tokens = [words_of(line) for line in lines]
    tokens = [t for t in tokens if t]
    freq = collections.Counter(w for t in tokens for w in t if len(w) > 1)
    vocab = sorted(w for w, c in freq.items() if c >= 2)
    weights = np.array([freq[w] ** 0.5 for w in vocab])
    weights /= weights.sum()
    out = [[vocab[i]] for i in rng.choice(len(vocab), size=count // 2, p=weights)]
    for _ in range(count // 4):
        t = tokens[rng.integers(len(tokens))]
        i = rng.integers(max(1, len(t) - 1))
        out.append(t[i:i + 2])
    for _ in range(count // 4):
        t = tokens[rng.integers(len(tokens))]
        i = rng.integers(max(1, len(t) - 2))
        out.append(t[i:i + int(rng.integers(3, 10))])
    return out


def main():
    out, rest = sys.argv[1], sys.argv[2:]
    extra = [a for a in rest if "=" in a]
    texts = wheels([a for a in rest if a.endswith(".whl")])
    rng = np.random.default_rng(7)
    for item in extra:
        lang, path = item.split("=", 1)
        opener = lzma.open if path.endswith(".xz") else open
        with opener(path, "rt", encoding="utf-8") as handle:
            lines = [line.strip() for line in handle]
        pick = rng.choice(len(lines), size=min(40_000, len(lines)), replace=False)
        texts.setdefault(lang, []).extend(lines[i] for i in sorted(pick))
    langs = [l for l in LATIN + CYRILLIC if len(texts.get(l, [])) >= 300]
    for lang in langs:
        print(lang, len(texts[lang]), "lines", file=sys.stderr)
    data, labels = [], []
    for index, lang in enumerate(langs):
        got = samples(texts[lang], rng, SAMPLES.get(lang, OTHER_SAMPLES))
        data += got
        labels += [index] * len(got)
    labels = np.array(labels)
    # Keep the n-grams that tell most: count times divergence of the languages given the n-gram from uniform.
    table = collections.defaultdict(lambda: np.zeros(len(langs), dtype=np.float32))
    for words, y in zip(data, labels):
        weight = len(words) ** -0.5
        for word in words:
            for gram in ngrams(word):
                table[gram][y] += weight
    keys = list(table)
    counts = np.stack([table[k] for k in keys])
    total = counts.sum(1)
    p = (counts + 0.02 * counts.mean()) / (counts + 0.02 * counts.mean()).sum(1, keepdims=True)
    gain = total * (np.log(len(langs)) + (p * np.log(p)).sum(1))
    chosen = sorted(np.argsort(-gain)[:FEATURES])
    vocab = {keys[i]: n for n, i in enumerate(chosen)}
    print(len(keys), "n-grams,", len(vocab), "kept", file=sys.stderr)
    cols, vals, ends = array.array("i"), array.array("f"), array.array("q", [0])
    for words in data:
        found = [vocab[x] for w in words for x in ngrams(w) if x in vocab]
        cols.extend(found)
        vals.extend([max(1, len(found)) ** -0.5] * len(found))
        ends.append(len(cols))
    from scipy.sparse import csr_matrix
    X = csr_matrix((np.frombuffer(vals, "f4"), np.frombuffer(cols, "i4"), np.frombuffer(ends, "i8")), shape=(len(data), len(vocab)))
    W = fit(X, labels, len(langs), rng)
    scale = float(np.abs(W).max() / 127)
    Q = np.clip(np.rint(W / scale), -127, 127).astype(np.int8)
    write(out, langs, vocab, Q, scale)
    train = X @ (Q.astype(np.float32) * scale)
    print("training accuracy", float((train.argmax(1) == labels).mean()), file=sys.stderr)


def fit(X, y, classes, rng, epochs=12, batch=4096):
    """Adam on the softmax loss with a little decay; no bias, since priors come from outside."""
    W = np.zeros((X.shape[1], classes), dtype=np.float32)
    m, v, step = np.zeros_like(W), np.zeros_like(W), 0
    for epoch in range(epochs):
        lr = 0.05 * (1 - epoch / epochs)
        order, loss = rng.permutation(X.shape[0]), 0.0
        for start in range(0, len(order), batch):
            rows = order[start:start + batch]
            x = X[rows]
            z = x @ W
            z -= z.max(1, keepdims=True)
            p = np.exp(z)
            p /= p.sum(1, keepdims=True)
            loss -= np.log(p[np.arange(len(rows)), y[rows]] + 1e-9).sum()
            p[np.arange(len(rows)), y[rows]] -= 1
            grad = (x.T @ p) / len(rows) + 1e-6 * W
            step += 1
            m = 0.9 * m + 0.1 * grad
            v = 0.99 * v + 0.01 * grad * grad
            W -= lr * (m / (1 - 0.9 ** step)) / (np.sqrt(v / (1 - 0.99 ** step)) + 1e-8)
        print("epoch", epoch, "loss", loss / len(order), file=sys.stderr)
    return np.clip(W, -12, 12)


def fnv(gram):
    h = 0x811C9DC5
    for byte in gram.encode():
        h = ((h ^ byte) * 0x01000193) & 0xFFFFFFFF
    return h


def write(path, langs, vocab, Q, scale):
    """magic, counts, scale, codes (8 bytes each), sorted u32 hashes, then one row of i8 a hash."""
    byhash = {}
    for gram, row in vocab.items():
        byhash.setdefault(fnv(gram), row)
    hashes = sorted(byhash)
    with open(path, "wb") as f:
        f.write(b"CUBALID1" + struct.pack("<IIf", len(langs), len(hashes), scale))
        for lang in langs:
            f.write(lang.encode().ljust(8, b"\0"))
        f.write(np.array(hashes, dtype="<u4").tobytes())
        f.write(np.stack([Q[byhash[h]] for h in hashes]).tobytes())


main()
