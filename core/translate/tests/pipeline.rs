//! Whole translations with deterministic engines.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::sync::Arc;

use common::{Opinion, Scripted, code, translator, words_en_es};
use cuba_translate::engine::{Engine, EngineChoice, EngineError, EngineKind, Hypothesis};
use cuba_translate::{
    Cancel, Completion, Confidence, Engines, Event, LineTranslation, NumberStyle, Quiet, Reason, Settings,
    TextRequest, TextTranslation, TranslateError, Translator,
};

fn run(translator: &Translator, text: &str) -> TextTranslation {
    let request = TextRequest::new(text, code("es")).from_language(code("en"));
    translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap()
}

/// One line a sentence: confidence, reasons, source, target.
fn show(result: &TextTranslation) -> String {
    let mut out = format!("{} {:?}\n{:?}\n", result.engine, result.completion, result.text);
    for s in &result.segments {
        let reasons: Vec<&str> = s.reasons.iter().map(|r| r.as_str()).collect();
        let confidence = s.confidence.as_str();
        writeln!(out, "{confidence:6} [{}] {:?} -> {:?}", reasons.join(" "), s.source, s.target).unwrap();
    }
    out
}

#[test]
fn a_text_with_everything_in_it() {
    let (translator, engine) = translator(Scripted::nmt("en-es", words_en_es));
    let text = "# Good morning\n\n- Take 2 tablets every 8 hours. Do not drink water!\n  * Write to ana@example.org or see \
                https://example.com/a?b=1.\n\nDO NOT ENTER\nHello {name} 😀\n\t<b>The dog</b> is big.\n1,000 people came\r\n…\n";
    insta::assert_snapshot!(show(&run(&translator, text)));
    insta::assert_snapshot!("what_the_engine_saw", engine.seen.lock().unwrap().join("\n"));
}

#[test]
fn nothing_to_translate_comes_back_as_it_is() {
    let (translator, engine) = translator(Scripted::nmt("en-es", words_en_es));
    for text in ["", " ", "\n\n", "12:30", "😀😀", "\u{200F}", "\0", "— … —"] {
        let result = run(&translator, text);
        assert_eq!((result.text.as_str(), result.confidence), (text, Confidence::High));
        let unnamed = TextRequest::new(text, code("es"));
        assert_eq!(translator.translate(&unnamed, &Cancel::new(), &mut Quiet).unwrap().text, text);
    }
    assert_eq!(engine.seen.lock().unwrap().len(), 0);
}

#[test]
fn the_language_is_found_or_asked_for() {
    let (translator, _) = translator(Scripted::nmt("en-es", words_en_es));
    let detect =
        |text: &str| translator.translate(&TextRequest::new(text, code("es")), &Cancel::new(), &mut Quiet);
    let english = detect("Good morning, the dog is in the house.").unwrap();
    assert_eq!((english.from.as_str(), english.engine.as_str()), ("en", "nmt:en-es"));
    let spanish = detect("Buenos días, el perro está en la casa.").unwrap();
    assert_eq!((spanish.from.as_str(), spanish.engine.as_str()), ("es", "none"));
    assert_eq!(spanish.text, spanish.text);
    let german = detect("Guten Morgen, ich weiß nicht, wo der Hund ist.").unwrap_err();
    assert_eq!(
        german.to_string(),
        "nothing installed translates de to es; install a pack for de-es, or both de-en and en-es"
    );
    let unclear = detect("total").unwrap_err();
    assert!(matches!(unclear, TranslateError::LanguageUnsure { ref candidates } if candidates.len() == 2));
    assert!(unclear.to_string().starts_with("the language of the text is unclear (perhaps "));
}

#[test]
fn routes_direct_then_pivot_then_language_model() {
    let nmt =
        |pair: &str| Arc::new(Scripted::nmt(pair, |t| t.replace("casa", "house").replace("house", "maison")));
    let mut llm = Scripted::new("es-fr", EngineKind::Llm, |_, _| Hypothesis {
        text: "la maison".into(),
        ..Hypothesis::default()
    });
    llm.directions.push(cuba_translate::engine::Direction::new(code("fr"), code("es")));
    let engines = Engines::new().with(Arc::new(llm)).with(nmt("es-en")).with(nmt("en-fr"));
    let id =
        |from: &str, to: &str, choice| engines.route(&code(from), &code(to), choice).map(|r| r.engine_id());
    assert_eq!(id("es", "fr", EngineChoice::Auto).unwrap(), "nmt:es-en+nmt:en-fr");
    assert_eq!(id("es-MX", "fr-CA", EngineChoice::Auto).unwrap(), "nmt:es-en+nmt:en-fr");
    assert_eq!(id("es", "fr", EngineChoice::Llm).unwrap(), "llm:es-fr");
    assert_eq!(id("fr", "es", EngineChoice::Auto).unwrap(), "llm:es-fr");
    assert_eq!(id("fr", "fr", EngineChoice::Auto).unwrap(), "none");
    assert!(id("fr", "es", EngineChoice::Nmt).is_err());
    let sources: Vec<String> =
        engines.sources_for(&code("fr"), EngineChoice::Nmt).iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["en", "es", "fr"]);
}

#[test]
fn a_pivot_shows_its_middle_and_keeps_spans() {
    let es_en =
        Scripted::nmt("es-en", |t| t.replace("El perro come", "The dog eats").replace("manzanas", "apples"));
    let en_fr =
        Scripted::nmt("en-fr", |t| t.replace("The dog eats", "Le chien mange").replace("apples", "pommes"));
    let translator = Translator::new(Engines::new().with(Arc::new(es_en)).with(Arc::new(en_fr)));
    let request = TextRequest::new("El perro come 12 manzanas {x}.", code("fr")).from_language(code("es"));
    let result = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap();
    assert_eq!(result.text, "Le chien mange 12 pommes {x}.");
    assert_eq!(result.via, Some(code("en")));
    let segment = &result.segments[0];
    assert_eq!(segment.pivot.as_deref(), Some("The dog eats 12 apples {x}."));
    assert_eq!(
        (segment.confidence, segment.reasons.as_slice()),
        (Confidence::Medium, [Reason::Pivot].as_slice())
    );
}

#[test]
fn a_bad_sign_brings_a_second_try() {
    let engine = Scripted::new("en-es", EngineKind::Nmt, |_, batch| {
        let text = if batch.effort.beam == 1 { "Entre en la casa." } else { "No entre en la casa." };
        Hypothesis { text: text.into(), ..Hypothesis::default() }
    });
    let (translator, engine) = translator(engine);
    let result = run(&translator, "Do not enter the house.");
    assert_eq!(result.text, "No entre en la casa.");
    assert!(result.reasons.is_empty() && engine.seen.lock().unwrap().len() == 2);
}

#[test]
fn a_language_model_gets_a_second_opinion() {
    let engine = |kind: EngineKind, opinion: Opinion| -> Arc<dyn Engine> {
        let peer = Scripted::new("en-es", kind, |text, _| Hypothesis {
            text: words_en_es(text),
            ..Hypothesis::default()
        });
        Arc::new(Scripted { opinion, ..peer })
    };
    let of = |engines: Engines, choice: EngineChoice| {
        let settings = Settings { engine: choice, ..Settings::default() };
        let request = TextRequest::new("The dog is big.", code("es")).from_language(code("en"));
        let result =
            Translator::new(engines).translate(&request.with_settings(settings), &Cancel::new(), &mut Quiet);
        result.map(|done| (done.engine, done.reasons))
    };
    let llm = || Engines::new().with(engine(EngineKind::Llm, Opinion::None));
    let disputed = || engine(EngineKind::Nmt, Opinion::Dispute);
    let said = |reasons: &[Reason]| ("llm:en-es".to_owned(), reasons.to_vec());
    assert_eq!(of(llm(), EngineChoice::Llm).unwrap(), said(&[]));
    assert_eq!(of(llm().with(disputed()), EngineChoice::Llm).unwrap(), said(&[Reason::Hesitant]));
    let mut engines = llm();
    engines.add_reviewer(disputed());
    assert_eq!(of(engines, EngineChoice::Auto).unwrap(), said(&[Reason::Hesitant]));
    // A translation model's word is not asked for a second time.
    let neural = of(Engines::new().with(disputed()), EngineChoice::Auto).unwrap();
    assert_eq!(neural, ("nmt:en-es".to_owned(), vec![]));
    let failing = engine(EngineKind::Nmt, Opinion::Fail(|| EngineError::Damaged("gone".into())));
    // Without the opinion there is no reason to be sure; the translation stays.
    assert_eq!(of(llm().with(failing), EngineChoice::Llm).unwrap(), said(&[Reason::Hesitant]));
}

#[test]
fn of_two_doubtful_translations_the_better_one_is_kept_and_marked() {
    let engine = Scripted::new("en-es", EngineKind::Nmt, |_, batch| {
        let text = if batch.effort.beam == 1 { "Entre." } else { "Entre entre entre entre entre." };
        Hypothesis { text: text.into(), ..Hypothesis::default() }
    });
    let (translator, _) = translator(engine);
    let result = run(&translator, "Do not enter.");
    assert_eq!((result.text.as_str(), result.confidence), ("Entre.", Confidence::Low));
    assert_eq!(result.reasons, [Reason::Negation]);
}

#[test]
fn an_endless_loop_is_passed_through() {
    let engine = Scripted::new("en-es", EngineKind::Nmt, |_, _| Hypothesis {
        text: "la casa de la casa de la casa de la casa de la casa de".into(),
        truncated: true,
        ..Hypothesis::default()
    });
    let (translator, engine) = translator(engine);
    let result = run(&translator, "The house is big. The house is big.");
    assert_eq!(result.text, "The house is big. The house is big.");
    assert_eq!(result.reasons, [Reason::PassedThrough]);
    // Two tries; the same sentence goes in only once.
    assert_eq!(engine.seen.lock().unwrap().len(), 2);
}

#[test]
fn an_engine_that_fails_on_one_sentence_does_not_spoil_the_others() {
    struct Picky(Scripted);
    impl cuba_translate::engine::Engine for Picky {
        fn id(&self) -> &'static str {
            "nmt:picky"
        }
        fn kind(&self) -> EngineKind {
            EngineKind::Nmt
        }
        fn directions(&self) -> Vec<cuba_translate::engine::Direction> {
            self.0.directions.clone()
        }
        fn resident_bytes(&self) -> u64 {
            0
        }
        fn translate(
            &self,
            batch: &cuba_translate::engine::Batch<'_>,
            cancel: &Cancel,
        ) -> Result<Vec<Hypothesis>, cuba_translate::engine::EngineError> {
            if batch.sentences.iter().any(|s| s.text.contains("poison")) {
                return Err(cuba_translate::engine::EngineError::Batch("too long".into()));
            }
            self.0.translate(batch, cancel)
        }
    }
    let translator =
        Translator::new(Engines::new().with(Arc::new(Picky(Scripted::nmt("en-es", words_en_es)))));
    let result = run(&translator, "The dog is big. A poison word. The cat is small.");
    assert_eq!(result.text, "El perro es grande. A poison word. El gato es pequeño.");
    assert_eq!(result.segments[1].reasons, [Reason::PassedThrough]);
}

#[test]
fn numbers_in_the_local_way_on_request() {
    let (translator, _) = translator(Scripted::nmt("en-es", words_en_es));
    let settings = Settings { numbers: NumberStyle::Localise, ..Settings::default() };
    let request = TextRequest::new("1,000.5 people came today.", code("es"))
        .from_language(code("en"))
        .with_settings(settings);
    let result = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap();
    assert_eq!(result.text, "1.000,5 personas vinieron hoy.");
}

#[test]
fn cancelling_keeps_what_is_done() {
    let mut engine = Scripted::nmt("en-es", words_en_es);
    engine.cancel_after = Some(1);
    let (translator, _) = translator(engine);
    let text = "The dog is big. ".repeat(40);
    let request = TextRequest::new(&text, code("es")).from_language(code("en"));
    let mut seen = 0;
    let mut count = |event: Event<'_>| seen += usize::from(matches!(event, Event::Translated { .. }));
    let result = translator.translate(&request, &Cancel::new(), &mut count).unwrap();
    assert_eq!(result.completion, Completion::Cancelled);
    assert_eq!((result.segments.len(), seen), (8, 8));
    assert!(result.text.starts_with("El perro es grande. El perro"));
}

#[test]
fn events_rebuild_the_text() {
    let (translator, _) = translator(Scripted::nmt("en-es", words_en_es));
    // The second is long enough for several windows.
    for text in ["  Hello. The dog is big.\n\n- A cat.".to_owned(), "The dog is big.  A cat.\n".repeat(30)] {
        let request = TextRequest::new(&text, code("es")).from_language(code("en"));
        let mut built = String::new();
        let mut listen = |event: Event<'_>| {
            if let Event::Translated { segment, before, .. } = event {
                built += before;
                built += &segment.target;
            }
        };
        let result = translator.translate(&request, &Cancel::new(), &mut listen).unwrap();
        assert_eq!(built, result.text.trim_end_matches('\n'));
    }
}

fn lines(
    translator: &Translator,
    from: Option<&str>,
    input: Vec<String>,
) -> (Vec<LineTranslation>, cuba_translate::LinesSummary) {
    let mut out = Vec::new();
    let sink = |line| {
        out.push(line);
        ControlFlow::Continue(())
    };
    let summary = translator
        .translate_lines(from.map(code), code("es"), &Settings::default(), input, sink, &Cancel::new())
        .unwrap();
    (out, summary)
}

#[test]
fn ten_thousand_lines_in_order() {
    let (translator, engine) = translator(Scripted::nmt("en-es", words_en_es));
    let input: Vec<String> = (0..10_000)
        .map(|i| if i % 7 == 0 { String::new() } else { format!("The dog {i} is big. Hello") })
        .collect();
    let (out, summary) = lines(&translator, Some("en"), input.clone());
    assert_eq!((out.len(), summary.lines, summary.completion), (10_000, 10_000, Completion::Complete));
    for (i, line) in out.iter().enumerate() {
        assert_eq!((line.index, &line.source), (i, &input[i]));
        let want = if i % 7 == 0 { String::new() } else { format!("El perro {i} es grande. Hola") };
        assert_eq!(line.text, want);
    }
    assert!(engine.calls.load(std::sync::atomic::Ordering::SeqCst) < 400);
}

#[test]
fn lines_find_their_language_and_survive_anything() {
    let (translator, _) = translator(Scripted::nmt("en-es", words_en_es));
    let odd = vec![
        String::new(),
        "The dog is in the house.".into(),
        "a\0b".into(),
        "\u{202B}😀".into(),
        " \t ".into(),
        "x".repeat(100_000),
    ];
    let (out, summary) = lines(&translator, None, odd.clone());
    assert_eq!(summary.from, code("en"));
    assert_eq!(out.len(), odd.len());
    assert_eq!(out[5].text, odd[5]);
    assert!(out[5].reasons.contains(&Reason::Split));
    let (out, summary) = lines(&translator, None, Vec::new());
    assert_eq!((out.len(), summary.lines), (0, 0));
}

#[test]
fn the_sink_can_stop_the_stream() {
    let (translator, engine) = translator(Scripted::nmt("en-es", words_en_es));
    let mut got = 0;
    let sink = |_| {
        got += 1;
        if got == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let endless = std::iter::repeat_with(|| "The dog is big.".to_owned());
    let summary = translator
        .translate_lines(Some(code("en")), code("es"), &Settings::default(), endless, sink, &Cancel::new())
        .unwrap();
    assert_eq!((summary.lines, summary.completion), (3, Completion::Cancelled));
    assert!(engine.seen.lock().unwrap().len() < 100);
}

#[test]
fn a_dead_engine_is_an_error_without_user_text() {
    struct Dead;
    impl cuba_translate::engine::Engine for Dead {
        fn id(&self) -> &'static str {
            "nmt:en-es"
        }
        fn kind(&self) -> EngineKind {
            EngineKind::Nmt
        }
        fn directions(&self) -> Vec<cuba_translate::engine::Direction> {
            vec![cuba_translate::engine::Direction::new(code("en"), code("es"))]
        }
        fn resident_bytes(&self) -> u64 {
            0
        }
        fn translate(
            &self,
            _: &cuba_translate::engine::Batch<'_>,
            _: &Cancel,
        ) -> Result<Vec<Hypothesis>, cuba_translate::engine::EngineError> {
            Err(cuba_translate::engine::EngineError::Unusable(
                "the model file is gone; install the pack again".into(),
            ))
        }
    }
    let translator = Translator::new(Engines::new().with(Arc::new(Dead)));
    let request = TextRequest::new("A secret.", code("es")).from_language(code("en"));
    let error = translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the nmt:en-es engine cannot work: the model file is gone; install the pack again"
    );
}

#[test]
fn signs_that_models_garble_never_reach_them() {
    let (translator, engine) = translator(Scripted::nmt("en-es", |text| {
        text.replace("It is", "Hace").replace("Sign here", "Firme aquí").replace("please", "por favor")
    }));
    let result = run(&translator, "It is 37.5 °C now. Sign here: ____________ please.");
    assert_eq!(result.text, "Hace 37.5 °C now. Firme aquí: ____________ por favor.");
    let seen = engine.seen.lock().unwrap().join("\n");
    assert!(!seen.contains('°') && !seen.contains("__"), "{seen}");
    // Written in the other language's way, only the number changes.
    let request = TextRequest::new("It is 37.5 °C.", code("es"))
        .from_language(code("en"))
        .with_settings(Settings { numbers: NumberStyle::Localise, ..Settings::default() });
    assert_eq!(translator.translate(&request, &Cancel::new(), &mut Quiet).unwrap().text, "Hace 37,5 °C.");
}

#[test]
fn capitals_keep_what_is_always_capital() {
    let (translator, engine) = translator(Scripted::nmt("en-es", words_en_es));
    run(&translator, "I AM CLOSED ON MONDAYS");
    assert_eq!(engine.seen.lock().unwrap()[0], "I am closed on Mondays");
}

#[test]
fn a_wrong_sense_or_day_is_not_trusted() {
    for (source, target, reason) in [
        ("Take it once a day with water.", "Tómelo once al día con agua.", Reason::Unfamiliar),
        ("Come back on Monday, please.", "Vuelva el jueves, por favor.", Reason::Numbers),
        ("She is 1.75 m tall, I think.", "Ella es 1.75 alta, creo.", Reason::Numbers),
        ("The sign is new, I think.", "La señal \u{FFFD} es nueva, creo.", Reason::Unfamiliar),
    ] {
        let (translator, _) = translator(Scripted::nmt("en-es", move |_| target.to_owned()));
        let result = run(&translator, source);
        assert_eq!(result.confidence, Confidence::Low, "{source}");
        assert!(result.reasons.contains(&reason), "{source}: {:?}", result.reasons);
    }
}
