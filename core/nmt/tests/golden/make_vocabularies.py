"""Makes the vocabularies of the tests and what SentencePiece says to them (tests/sentencepiece.rs).

pip install sentencepiece==0.2.* protobuf; python make_vocabularies.py; mv *.json *.spm beside this file.
"""
import sentencepiece as spm, json, random, os, sys
random.seed(5)
text = """The bus leaves at seven in the morning. Where can I buy a ticket? It costs three euros and fifty cents.
My daughter has a fever and does not want to eat. Take one tablet every eight hours with a glass of water.
El autobús sale a las siete de la mañana. ¿Dónde puedo comprar un billete? Cuesta tres euros con cincuenta.
Mi hija tiene fiebre y no quiere comer. Tome una pastilla cada ocho horas con un vaso de agua.
Le train part à sept heures du matin. Où puis-je acheter un billet ? Il coûte trois euros cinquante.
Ma fille a de la fièvre et ne veut pas manger. Prenez un comprimé toutes les huit heures avec un verre d'eau.
Please open the window, the room is too warm. We walked along the river until it was dark.
Abra la ventana, por favor: la habitación está demasiado caliente. Caminamos junto al río hasta que oscureció.
Ouvrez la fenêtre, s'il vous plaît : la chambre est trop chaude. Nous avons marché le long de la rivière.
She reads a long book about whales and ships. He repairs old clocks in a small workshop near the harbour.
Ella lee un libro largo sobre ballenas y barcos. Él repara relojes viejos en un taller pequeño cerca del puerto.
Your parcel number 4471 will arrive on 12 March. Call +34 600 123 456 or write to help@example.org.
Ein Glas Wasser kostet nichts, größere Flaschen schon. Straße, Fußgänger, Übermut und Öl.
Вода в стакане холодная. Где находится вокзал? 水はどこですか。駅はあちらです。 你好，世界。我要一杯水。 السلام عليكم
""".strip().split("\n")
lines=[]
for _ in range(40):
    for l in text:
        w=l.split(); random.shuffle(w); lines.append(l); lines.append(" ".join(w))
open("corpus.txt", "w", encoding="utf-8").write("\n".join(lines))
common=dict(input="corpus.txt", character_coverage=0.9999, hard_vocab_limit=False, unk_id=1, eos_id=0, bos_id=-1, pad_id=-1, num_threads=1, minloglevel=2)
spm.SentencePieceTrainer.train(model_prefix="unigram", vocab_size=900, model_type="unigram", byte_fallback=True, user_defined_symbols=["<x>","@@"], normalization_rule_name="nmt_nfkc", **common)
spm.SentencePieceTrainer.train(model_prefix="plain", vocab_size=500, model_type="unigram", byte_fallback=False, normalization_rule_name="identity", remove_extra_whitespaces=False, add_dummy_prefix=False, **common)
spm.SentencePieceTrainer.train(model_prefix="bpe", vocab_size=700, model_type="bpe", byte_fallback=False, user_defined_symbols=["<x>"], normalization_rule_name="identity", **common)
samples = text + ["", " ", "  two   spaces  ", "ﬁne ﬂight Ⅳ ½ ①", "ＦＵＬＬ　ｗｉｄｔｈ", "tab\there", "no\u00a0break\u200bzero", "a\u0301cute e\u0308", "emoji 😀👍🏽 done", "<x> inside <x>word @@mail", "\u2581already", "don’t “quote” … —", "ALL CAPS 12,345.67 km²", "\ufeffbom", "한국어 텍스트", "ไทย", "नमस्ते", "ß ẞ ſ", "x"*60, "…", "🏳️‍🌈", "\u0000nul", "line\nbreak", "İstanbul ıI", "ﷺ", "㎏ ㍿ ｶﾞ", "..!!??", "- dash", "end ", "á", "naïve café"]
pool = "abcdefghij klmnopqrstuvwxyzáéíóúñüß.,;:!?¿¡'-()0123456789 ABC水駅你вод€😀ﬁⅣ\u00a0\u0301"
for _ in range(120):
    samples.append("".join(random.choice(pool) for _ in range(random.randint(1,40))))
for name in ["unigram","plain","bpe"]:
    sp=spm.SentencePieceProcessor(model_file=name+".model")
    out=[]
    for s in samples:
        p=sp.encode(s, return_type='proto')
        ids=[x.id for x in p.pieces]
        out.append({"text":s,"ids":ids,"spans":[[x.begin,x.end] for x in p.pieces],"decoded":sp.decode(ids)})
    # random id sequences for decoding
    dec=[]
    for _ in range(60):
        ids=[random.randrange(sp.get_piece_size()) for _ in range(random.randint(0,12))]
        dec.append({"ids":ids,"decoded":sp.decode(ids)})
    os.rename(name + ".model", name + ".spm")
    json.dump({"encode":out,"decode":dec}, open(name+".json","w"), ensure_ascii=False, separators=(",",":"))
    print(name, sp.get_piece_size(), os.path.getsize(name+".model"), os.path.getsize(name+".json"))
