//! What the engine promises, on models of random weights in every architecture it takes.
#![allow(
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: it ends at the first surprise"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Shape, model, sentences, spm};
use cuba_nmt::{Cancel, Error, Model, ModelFiles, Options, Source, Translation};

fn open(shape: &Shape, seed: u64) -> Model {
    let vocab = spm(shape.vocab).write();
    Model::from_bytes(model(shape, seed), &vocab, shape.split.then_some(vocab.as_slice())).unwrap()
}

fn run(model: &Model, sources: &[Source], options: &Options) -> Vec<Translation> {
    model.translate_batch(sources, options, &Cancel::new(), &|_| ()).unwrap()
}

fn plain(texts: &[String]) -> Vec<Source> {
    texts.iter().map(Source::from).collect()
}

/// Every architecture the loader accepts.
fn shapes() -> Vec<Shape> {
    let small = Shape::small();
    vec![
        small.clone(),
        Shape { ssru: false, ..small.clone() },
        Shape { split: true, ..small.clone() },
        Shape { pre_norm: true, swish: true, ..small.clone() },
        Shape { pre_norm: true, ssru: false, float: true, ..small.clone() },
        Shape { untied: true, ..small.clone() },
        Shape { untied: true, split: true, float: true, ..small },
    ]
}

#[test]
fn neighbours_threads_and_order_change_nothing() {
    let texts = sentences(14, 9, 11);
    for (seed, shape) in shapes().into_iter().enumerate() {
        let model = open(&shape, seed as u64);
        for beam in [1, 3] {
            let options = Options { beam, n_best: beam, ..Options::default() };
            let together = run(&model, &plain(&texts), &options);
            let threads = run(&model, &plain(&texts), &Options { threads: 3, ..options.clone() });
            assert_eq!(together, threads, "{shape:?}");
            let mut backwards = plain(&texts);
            backwards.reverse();
            let mut backwards = run(&model, &backwards, &options);
            backwards.reverse();
            assert_eq!(together, backwards, "{shape:?}");
            for (text, translation) in texts.iter().zip(&together).step_by(7) {
                assert_eq!(&run(&model, &[Source::from(text)], &options)[0], translation, "{shape:?} {text}");
            }
        }
    }
}

#[test]
fn what_comes_back_is_consistent() {
    let texts = sentences(20, 10, 12);
    for (seed, shape) in shapes().into_iter().enumerate() {
        let model = open(&shape, seed as u64);
        for (text, t) in texts.iter().zip(run(&model, &plain(&texts), &Options::default())) {
            let ids: Vec<u32> = t.tokens.iter().map(|t| t.id).collect();
            assert_eq!(model.target_vocab().decode(&ids), t.text);
            assert_eq!(model.source_vocab().encode(text), t.source_tokens);
            assert_eq!(
                (t.log_probs.len(), t.end_log_probs.len()),
                (t.tokens.len(), usize::from(!t.reached_limit))
            );
            assert!(t.log_probs.iter().all(|&p| p <= 0.0 && p.is_finite()), "{:?}", t.log_probs);
            assert!(t.min_log_prob().unwrap() <= t.mean_log_prob().unwrap());
            let alignment = t.alignment.as_ref().unwrap();
            for at in 0..t.tokens.len() {
                let sum: f32 = alignment.row(at).iter().sum();
                assert!(
                    alignment.row(at).len() == t.source_tokens.len() && sum > 0.0 && sum < 1.0001,
                    "{sum}"
                );
            }
            assert!((0.0..=1.0).contains(&t.coverage().unwrap()));
            assert_eq!(t.windows, 1);
        }
    }
}

#[test]
fn log_probabilities_and_alignment_do_not_change_the_text() {
    let model = open(&Shape::small(), 3);
    let sources = plain(&sentences(20, 10, 13));
    let bare = run(&model, &sources, &Options { log_probs: false, alignment: false, ..Options::default() });
    for (a, b) in run(&model, &sources, &Options::default()).iter().zip(&bare) {
        assert_eq!((&a.text, &a.tokens), (&b.text, &b.tokens));
        assert!(b.log_probs.is_empty() && b.alignment.is_none() && b.mean_log_prob().is_none());
    }
}

#[test]
fn a_beam_finds_what_is_at_least_as_likely() {
    let model = open(&Shape::small(), 4);
    let texts = sentences(24, 6, 14);
    let total = |t: &Translation| t.log_probs.iter().chain(&t.end_log_probs).sum::<f32>();
    let options = |beam| Options { beam, n_best: beam, length_penalty: 0.0, ..Options::default() };
    let greedy = run(&model, &plain(&texts), &options(1));
    let beam = run(&model, &plain(&texts), &options(6));
    let better =
        greedy.iter().zip(&beam).filter(|(g, b)| !b.reached_limit && total(b) > total(g) + 1e-4).count();
    let worse =
        greedy.iter().zip(&beam).filter(|(g, b)| !g.reached_limit && total(b) < total(g) - 1e-3).count();
    assert!(better > worse && better > 5, "{better} better, {worse} worse of {}", texts.len());
    for translation in &beam {
        let scores: Vec<f32> = translation.alternatives.iter().map(|a| a.score).collect();
        assert!(translation.alternatives.len() <= 5);
        assert!(translation.reached_limit || scores.is_sorted_by(|a, b| a >= b), "{scores:?}");
        let mut texts: Vec<&str> = translation.alternatives.iter().map(|a| a.text.as_str()).collect();
        texts.push(&translation.text);
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert!(texts.len() + 2 >= all, "an n-best list of one text");
    }
}

#[test]
fn forced_phrases_always_stand() {
    for (seed, shape) in shapes().into_iter().enumerate() {
        let model = open(&shape, seed as u64 + 50);
        let texts = sentences(5, 6, 15 + seed as u64);
        let phrases = [vec!["tena"], vec!["Cuba", "so le ta"], vec!["42 km/h", "tena", "tena"]];
        for (beam, phrases) in [1, 2, 4].into_iter().zip(&phrases) {
            let bind =
                |text: &String| phrases.iter().fold(Source::from(text), |s, phrase| s.force(*phrase, None));
            let sources: Vec<Source> = texts.iter().map(bind).collect();
            for (t, source) in
                run(&model, &sources, &Options { beam, ..Options::default() }).iter().zip(&sources)
            {
                assert!(t.unmet.is_empty());
                for phrase in phrases {
                    let wanted = phrases.iter().filter(|p| p == &phrase).count();
                    assert!(
                        t.text.matches(phrase).count() >= wanted,
                        "{phrase} in {:?} of {source:?}",
                        t.text
                    );
                    let whole = t.text.match_indices(phrase).any(|(at, _)| {
                        let behind = t.text[at + phrase.len()..].chars().next();
                        let before = t.text[..at].chars().next_back();
                        !behind.is_some_and(char::is_alphanumeric)
                            && !before.is_some_and(char::is_alphanumeric)
                    });
                    assert!(whole, "{phrase} as a word in {:?}", t.text);
                }
            }
        }
    }
}

#[test]
fn a_phrase_that_cannot_be_written_is_reported() {
    let shape = Shape::small();
    let file = cuba_nmt::vocab::SpmFile { byte_fallback: false, ..spm(shape.vocab) };
    let model = Model::from_bytes(model(&shape, 60), &file.write(), None).unwrap();
    assert!(model.can_force("tena") && !model.can_force("水") && !model.can_force(""));
    let source = Source::from("so le").force("水", None).force("tena", None);
    let t = model.translate(&source, &Options::default(), &Cancel::new()).unwrap();
    assert_eq!(t.unmet, [0]);
    assert!(t.text.contains("tena"));
}

#[test]
fn forbidden_words_never_stand() {
    let model = open(&Shape::small(), 6);
    let texts = sentences(20, 8, 16);
    let free = run(&model, &plain(&texts), &Options::default());
    let mut forbidden = 0;
    for (text, translation) in texts.iter().zip(free) {
        let Some(word) = translation.text.split(|c: char| !c.is_alphanumeric()).find(|w| w.len() > 1) else {
            continue;
        };
        for beam in [1, 3] {
            let source = Source::from(text).forbid(word);
            let t = &run(&model, &[source], &Options { beam, ..Options::default() })[0];
            let words: Vec<&str> = t.text.split(|c: char| !c.is_alphanumeric()).collect();
            assert!(!words.contains(&word), "{word} in {:?}", t.text);
        }
        forbidden += 1;
    }
    assert!(forbidden > 10, "the test must forbid something");
}

#[test]
fn a_prefix_is_kept_and_gone_on_from() {
    let model = open(&Shape::small(), 7);
    for text in sentences(15, 8, 17) {
        for beam in [1, 4] {
            let options = Options { beam, ..Options::default() };
            let t = &run(&model, &[Source::from(&text).prefix("Tena so,")], &options)[0];
            assert!(t.text.starts_with("Tena so,"), "{:?}", t.text);
            assert_eq!(t.log_probs.len(), t.tokens.len());
            // What the model says itself, given as a prefix, changes nothing.
            let free = &run(&model, &[Source::from(&text)], &Options::default())[0];
            let ids: Vec<u32> = free.tokens.iter().map(|t| t.id).collect();
            if beam == 1 && model.target_vocab().ids(&free.text) == ids && !free.reached_limit {
                assert_eq!(
                    run(&model, &[Source::from(&text).prefix(&free.text)], &options)[0].text,
                    free.text
                );
            }
        }
    }
}

#[test]
fn five_thousand_words_are_cut_into_windows_and_none_is_lost() {
    let model = open(&Shape { encoder: 1, decoder: 1, dim: 16, ffn: 16, ..Shape::small() }, 8);
    let text = sentences(720, 14, 18).join(" ");
    assert!(text.split(' ').count() > 5_000);
    let t = &run(&model, &[Source::from(&text)], &Options::default())[0];
    assert!(t.windows > 40);
    let whole = model.source_vocab().encode(&text);
    let end = t.source_tokens.iter().fold(0, |end, token| {
        assert!(
            text[end..token.range.start.max(end)].trim().is_empty(),
            "text left out before {}",
            token.range.start
        );
        token.range.end.max(end)
    });
    assert_eq!(end, text.len());
    assert!(t.source_tokens.len().abs_diff(whole.len()) <= t.windows * 2);
    assert_eq!(t.alignment.as_ref().unwrap().row(t.tokens.len() - 1).len(), t.source_tokens.len());
    let one_line = "x".repeat(3_000);
    assert!(run(&model, &[Source::from(&one_line)], &Options::default())[0].windows > 1);
}

#[test]
fn text_without_words_comes_back_as_it_is() {
    let model = open(&Shape::small(), 9);
    let sources = ["", "  ", "a", "\n"].map(Source::from);
    let all = run(&model, &sources, &Options::default());
    assert_eq!((all[0].text.as_str(), all[1].text.as_str(), all[3].text.as_str()), ("", "", ""));
    assert_eq!((all[0].windows, all[2].windows), (0, 1));
    assert!(run(&model, &[], &Options::default()).is_empty());
}

#[test]
fn progress_counts_every_source_once() {
    let model = open(&Shape::small(), 10);
    let sources = plain(&sentences(60, 5, 19));
    let (calls, seen) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let options = Options { threads: 2, ..Options::default() };
    let all = model.translate_batch(&sources, &options, &Cancel::new(), &|progress| {
        calls.fetch_add(1, Ordering::Relaxed);
        seen.fetch_add(progress.index, Ordering::Relaxed);
        assert_eq!(progress.total, 60);
        assert!(progress.done <= 60 && progress.translation.windows == 1);
    });
    assert_eq!(all.unwrap().len(), 60);
    assert_eq!((calls.into_inner(), seen.into_inner()), (60, 59 * 60 / 2));
}

#[test]
fn cancel_stops_from_another_thread() {
    let model = Arc::new(open(&Shape::small(), 11));
    let cancel = Cancel::new();
    let sources = plain(&sentences(1_000, 12, 20));
    let other = cancel.clone();
    let result = model.translate_batch(&sources, &Options::default(), &cancel, &|progress| {
        if progress.done == 3 {
            other.cancel();
        }
    });
    assert!(matches!(result, Err(Error::Cancelled)));
    assert!(matches!(model.translate(&"a".into(), &Options::default(), &cancel), Err(Error::Cancelled)));
}

#[test]
fn requests_that_make_no_sense_are_named() {
    let model = open(&Shape::small(), 12);
    let wrong = |options: Options, source: Source| match model.translate(&source, &options, &Cancel::new()) {
        Err(Error::Request { option, .. }) => option,
        other => panic!("{other:?}"),
    };
    let d = Options::default;
    assert_eq!(wrong(Options { beam: 0, ..d() }, "a".into()), "beam");
    assert_eq!(wrong(Options { beam: 7, ..d() }, "a".into()), "beam");
    assert_eq!(wrong(Options { n_best: 2, ..d() }, "a".into()), "n_best");
    assert_eq!(wrong(Options { threads: 0, ..d() }, "a".into()), "threads");
    assert_eq!(wrong(Options { length_penalty: f32::NAN, ..d() }, "a".into()), "length_penalty");
    assert_eq!(wrong(d(), Source::from("a").force(" ", None)), "forced");
    assert_eq!(wrong(d(), Source::from("a").forbid("")), "forbidden");
    assert_eq!(wrong(d(), Source::from("a").force("x ".repeat(3_000), None)), "forced");
}

#[test]
fn files_are_mapped_and_wrong_ones_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let shape = Shape::small();
    let bytes = model(&shape, 13);
    std::fs::write(path("model.bin"), &bytes).unwrap();
    std::fs::write(path("vocab.spm"), spm(shape.vocab).write()).unwrap();
    std::fs::write(path("other.spm"), spm(500).write()).unwrap();
    std::fs::write(path("cut.bin"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::write(path("empty.bin"), []).unwrap();
    let files = ModelFiles::shared(path("model.bin"), path("vocab.spm"));
    let mapped = Model::open(&files).unwrap();
    let owned = open(&shape, 13);
    let sources = plain(&sentences(5, 5, 21));
    assert_eq!(run(&mapped, &sources, &Options::default()), run(&owned, &sources, &Options::default()));
    let fails = |files: ModelFiles, word: &str| {
        let message = Model::open(&files).unwrap_err().to_string();
        assert!(message.contains(word) && message.contains(dir.path().to_str().unwrap()), "{message}");
    };
    fails(ModelFiles::shared(path("cut.bin"), path("vocab.spm")), "cut.bin is damaged");
    fails(ModelFiles::shared(path("empty.bin"), path("vocab.spm")), "empty.bin is damaged");
    fails(ModelFiles::shared(path("none.bin"), path("vocab.spm")), "none.bin");
    fails(ModelFiles::shared(path("model.bin"), path("other.spm")), "does not belong to this model");
    fails(ModelFiles::shared(path("model.bin"), path("model.bin")), "model.bin is damaged");
    fails(ModelFiles::shared(path("vocab.spm"), path("vocab.spm")), "vocab.spm is damaged");
    fails(ModelFiles::shared(dir.path(), path("vocab.spm")), "cannot read");
    fails(files.with_shortlist(path("vocab.spm")), "vocab.spm is damaged");
}

#[test]
fn a_shortlist_serves_plain_sentences_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let shape = Shape::small();
    std::fs::write(path("model.bin"), model(&shape, 14)).unwrap();
    std::fs::write(path("vocab.spm"), spm(shape.vocab).write()).unwrap();
    let lists: Vec<Vec<u32>> = (0..700).map(|id| vec![(id * 7 + 400) % 700]).collect();
    std::fs::write(path("lex.s2t.bin"), cuba_nmt::format::write_shortlist(100, &lists)).unwrap();
    let files = ModelFiles::shared(path("model.bin"), path("vocab.spm")).with_shortlist(path("lex.s2t.bin"));
    let model = Model::open(&files).unwrap();
    let sources =
        ["tena so le ta na ri se", "TENA SO LE TA NA RI SE", "tena 42 so le ta na", "te"].map(Source::from);
    let with = run(&model, &sources, &Options { shortlist: true, ..Options::default() });
    let without = run(&model, &sources, &Options::default());
    assert_eq!(with[1..], without[1..], "capitals, numbers and short text do without");
    let mut allowed: Vec<u32> = (0..100).collect();
    let own: Vec<u32> = with[0].source_tokens.iter().map(|t| t.id).chain([0]).collect();
    allowed.extend(own.iter().flat_map(|&id| [id, (id * 7 + 400) % 700]));
    allowed.extend(100..108);
    assert!(with[0].tokens.iter().all(|t| allowed.contains(&t.id)), "{:?}", with[0].tokens);
    assert_ne!(with[0], without[0]);
}
