//! The real models, when `CUBA_LLM_MODELS` names the folder that holds them; without it these tests say so and pass.

#![allow(clippy::unwrap_used, clippy::print_stderr, clippy::indexing_slicing)]

mod common;

use std::path::PathBuf;
use std::sync::Mutex;

use cuba_llm::*;

/// One model in memory at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn model(name: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("CUBA_LLM_MODELS") else {
        eprintln!("skipped: set CUBA_LLM_MODELS to a folder with {name}");
        return None;
    };
    let path = PathBuf::from(folder).join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    Some(path)
}

fn load(path: &std::path::Path, max_sequences: u32) -> Llm {
    Llm::load(path, &LoadOptions { max_sequences, context_tokens: 2048, ..LoadOptions::default() }).unwrap()
}

const EXAMPLES: &str = "English: Good morning.\nSpanish: Buenos días.\n\nEnglish: Where is the train station?\nSpanish: \
                        ¿Dónde está la estación de tren?\n\nEnglish: ";

fn few_shot(sentence: &str) -> Request {
    Request {
        max_tokens: 40,
        stop: vec!["\n".into()],
        logprobs: true,
        ..Request::text(format!("{EXAMPLES}{sentence}\nSpanish:"))
    }
}

#[test]
fn gemma_continues_examples_and_keeps_their_prefix() {
    let _alone = ALONE.lock();
    let Some(path) = model("gemma-3-270m.gguf") else { return };
    let llm = load(&path, 4);
    assert_eq!(llm.info().architecture, "gemma3");
    let first = llm.generate(few_shot("I have a dog."), &Cancel::new(), |_| {}).unwrap();
    assert!(first.text.to_lowercase().contains("perro"), "{first:?}");
    let second = llm.generate(few_shot("The house is white."), &Cancel::new(), |_| {}).unwrap();
    assert!(second.text.to_lowercase().contains("casa"), "{second:?}");
    assert!(second.timings.cached_tokens > 25, "{:?}", second.timings);
    assert!(second.logprob_mean.unwrap() < 0.0);
    assert!(matches!(llm.apply_template(&[]), Err(LlmError::Request(_)) | Ok(_)));
}

#[test]
fn weights_are_mapped_and_anonymous_memory_is_near_the_estimate() {
    let _alone = ALONE.lock();
    let Some(path) = model("gemma-3-270m.gguf") else { return };
    let before = common::rss_anon();
    let llm = load(&path, 4);
    llm.generate(few_shot("It rains."), &Cancel::new(), |_| {}).unwrap();
    let anonymous = common::rss_anon() - before;
    let need = llm.info().memory;
    eprintln!(
        "anonymous {} MB, estimated {} MB, mapped {} MB",
        anonymous / 1_000_000,
        need.anonymous / 1_000_000,
        need.mapped / 1_000_000
    );
    assert!(common::rss_file() > 150_000_000, "weights are not mapped");
    assert!(anonymous < need.anonymous * 13 / 10, "{anonymous} used, {} estimated", need.anonymous);
    assert!(
        anonymous > need.anonymous / 3,
        "{anonymous} used, {} estimated: the estimate scares users off",
        need.anonymous
    );
}

#[test]
fn gemma_in_a_batch_says_what_it_says_alone() {
    let _alone = ALONE.lock();
    let Some(path) = model("gemma-3-270m.gguf") else { return };
    let llm = load(&path, 8);
    let sentences = [
        "I am hungry.",
        "Where is the hospital?",
        "My head hurts.",
        "The train leaves at nine.",
        "Thank you very much.",
        "It is cold today.",
    ];
    let alone: Vec<Generation> =
        sentences.iter().map(|s| llm.generate(few_shot(s), &Cancel::new(), |_| {}).unwrap()).collect();
    let results =
        llm.generate_batch(sentences.iter().map(|s| few_shot(s)).collect(), &Cancel::new(), |_| {}).unwrap();
    let together: Vec<Generation> = results.into_iter().map(Result::unwrap).collect();
    for (a, b) in alone.iter().zip(&together) {
        eprintln!("{:?} {:?} | {:?} {:?}", a.text, a.logprob_mean, b.text, b.logprob_mean);
        // Sums are added in another order in a batch, so a near tie may fall the other way; the model's confidence
        // must not change.
        let (x, y) = (a.logprob_mean.unwrap(), b.logprob_mean.unwrap());
        assert!(if a.text == b.text { (x - y).abs() < 0.05 } else { (x - y).abs() < 0.5 }, "{x} {y}");
    }
}

#[test]
fn qwen_follows_its_chat_template_and_a_grammar() {
    let _alone = ALONE.lock();
    let Some(path) = model("qwen2.5-coder-1.5b.gguf") else { return };
    let llm = load(&path, 2);
    let chat = |text: &str| Request {
        max_tokens: 40,
        ..Request::chat(vec![
            ChatMessage::system("You are a professional translator. Reply with the translation only."),
            ChatMessage::user(text),
        ])
    };
    let g = llm.generate(chat("Translate into Spanish: I have a dog."), &Cancel::new(), |_| {}).unwrap();
    assert!(g.text.contains("perro") && g.finish == Finish::End, "{g:?}");
    let grammar = "root ::= \"{\\\"language\\\": \\\"\" [a-z]{2} \"\\\"}\"";
    let g = llm
        .generate(
            Request {
                grammar: Some(grammar.into()),
                ..chat("Which language is 'guten Morgen'? Answer as JSON.")
            },
            &Cancel::new(),
            |_| {},
        )
        .unwrap();
    let value: serde_json::Value = serde_json::from_str(&g.text).unwrap();
    assert_eq!(value["language"].as_str().map(str::len), Some(2), "{g:?}");
}

#[test]
fn smollm_chats_and_streams() {
    let _alone = ALONE.lock();
    let Some(path) = model("smollm2-135m.gguf") else { return };
    let llm = load(&path, 2);
    let mut streamed = String::new();
    let request =
        Request { max_tokens: 24, ..Request::chat(vec![ChatMessage::user("Name the capital of Italy.")]) };
    let g = llm.generate(request, &Cancel::new(), |t| streamed += t).unwrap();
    assert_eq!(streamed, g.text);
    assert!(g.text.contains("Rome"), "{g:?}");
}
