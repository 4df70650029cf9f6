use super::*;

fn piece(text: &str, score: f32, kind: PieceKind) -> (String, f32, PieceKind) {
    (text.to_owned(), score, kind)
}

fn file(extra: &[(&str, f32, PieceKind)]) -> SpmFile {
    let mut pieces = vec![piece("</s>", 0.0, PieceKind::Control), piece("<unk>", 0.0, PieceKind::Unknown)];
    pieces.extend(extra.iter().map(|p| piece(p.0, p.1, p.2)));
    SpmFile { pieces, ..SpmFile::default() }
}

fn vocab(extra: &[(&str, f32, PieceKind)]) -> Vocab {
    Vocab::from_bytes(&file(extra).write(), "test.spm").unwrap()
}

const N: PieceKind = PieceKind::Normal;

#[test]
fn the_best_path_wins_and_keeps_its_place() {
    let v = vocab(&[("\u{2581}ho", -2.0, N), ("la", -2.0, N), ("\u{2581}hola", -3.0, N), ("!", -1.0, N)]);
    let tokens = v.encode(" hola!");
    assert_eq!(tokens.iter().map(|t| v.piece(t.id)).collect::<Vec<_>>(), ["\u{2581}hola", "!"]);
    assert_eq!(tokens.iter().map(|t| t.range.clone()).collect::<Vec<_>>(), [1..5, 5..6]);
    let ids: Vec<u32> = tokens.iter().map(|t| t.id).collect();
    assert_eq!(v.decode_ranges(&ids), ("hola!".to_owned(), vec![0..4, 4..5]));
    assert!(v.encode("   ").is_empty() && v.encode("").is_empty());
}

#[test]
fn unknown_text_is_one_token_or_its_bytes() {
    let v = vocab(&[("\u{2581}", -1.0, N), ("a", -1.0, N)]);
    assert_eq!(
        v.encode("añña"),
        [
            Token { id: 2, range: 0..0 },
            Token { id: 3, range: 0..1 },
            Token { id: v.unk(), range: 1..5 },
            Token { id: 3, range: 5..6 },
        ]
    );
    assert!(v.covers('a') && !v.covers('ñ'));
    let bytes: Vec<String> = (0..256).map(|b| format!("<0x{b:02X}>")).collect();
    let mut pieces = vec![("\u{2581}", -1.0, N)];
    pieces.extend(bytes.iter().map(|b| (b.as_str(), 0.0, PieceKind::Byte)));
    let spm = SpmFile { byte_fallback: true, ..file(&pieces) };
    let v = Vocab::from_bytes(&spm.write(), "bytes.spm").unwrap();
    let ids = v.ids("ñ");
    assert_eq!(ids, [2, 3 + 0xc3, 3 + 0xb1]);
    assert!(!v.covers('ñ'));
    assert_eq!(v.decode_ranges(&ids), ("ñ".to_owned(), vec![0..0, 0..2, 0..2]));
    assert_eq!(v.decode(&[3 + 0xc3, 2, 3 + 0xb1]), "\u{fffd} \u{fffd}");
    assert_eq!(v.decode(&[v.unk()]), " \u{2047} ");
    assert_eq!(v.decode(&[v.eos(), 7_000_000]), "");
}

#[test]
fn user_defined_pieces_are_never_cut() {
    let own = PieceKind::UserDefined;
    let v = vocab(&[
        ("\u{2581}", -1.0, N),
        ("\u{2581}a", -1.5, N),
        ("<x>", 0.0, own),
        ("<", -5.0, N),
        ("x>", -5.0, N),
    ]);
    let names: Vec<&str> = v.ids("a<x>").into_iter().map(|id| v.piece(id)).collect();
    assert_eq!(names, ["\u{2581}a", "<x>"]);
}

#[test]
fn bpe_merges_by_score() {
    let spm = SpmFile {
        algorithm: Algorithm::Bpe,
        ..file(&[
            ("\u{2581}l", -1.0, N),
            ("\u{2581}lo", -3.0, N),
            ("ow", -0.0, N),
            ("\u{2581}", -9.0, N),
            ("l", -9.0, N),
            ("o", -9.0, N),
            ("w", -9.0, N),
        ])
    };
    let v = Vocab::from_bytes(&spm.write(), "bpe.spm").unwrap();
    let names: Vec<&str> = v.ids("low").into_iter().map(|id| v.piece(id)).collect();
    assert_eq!(names, ["\u{2581}l", "ow"]);
}

#[test]
fn wrong_files_are_named() {
    let whole = file(&[("\u{2581}a", -1.0, N)]).write();
    for len in 0..whole.len() {
        // A protobuf cut between two fields is a shorter protobuf: it need not fail, but must not panic.
        let _ = Vocab::from_bytes(whole.get(..len).unwrap(), "cut.spm");
    }
    let Err(Error::Damaged { file, .. }) = Vocab::from_bytes(b"<html>", "page.spm") else {
        panic!("must fail")
    };
    assert_eq!(file, "page.spm");
    let twins = file_with_twins();
    assert!(Vocab::from_bytes(&twins, "twins.spm").is_err());
    assert!(Vocab::from_bytes(&SpmFile::default().write(), "none.spm").is_err());
}

fn file_with_twins() -> Vec<u8> {
    file(&[("a", -1.0, N), ("a", -2.0, N)]).write()
}
