//! A thousand short prompts leave memory where it was. A file of its own: the process must do nothing else.

#![allow(clippy::unwrap_used)]

mod common;

use std::sync::Mutex;

use cuba_llm::{Cancel, Llm, LoadOptions, Request};

/// One test at a time, or each would count the other's memory.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn a_thousand_prompts_leave_no_memory_behind() {
    let _alone = ALONE.lock();
    let dir = tempfile::tempdir().unwrap();
    let path = common::tiny(1).save(dir.path(), "t.gguf");
    let options = LoadOptions { context_tokens: 512, threads: Some(1), ..LoadOptions::default() };
    let llm = Llm::load(&path, &options).unwrap();
    let round = |from: usize| {
        for i in from..from + 20 {
            let request = Request {
                max_tokens: 4,
                stop: vec!["zz".into()],
                ..Request::text(format!("line {i} of a book"))
            };
            llm.generate(request, &Cancel::new(), |_| {}).unwrap();
        }
        let batch =
            (0..20).map(|i| Request { max_tokens: 4, ..Request::text(format!("row {from} {i}")) }).collect();
        llm.generate_batch(batch, &Cancel::new(), |_| {}).unwrap();
    };
    (0..5).for_each(|r| round(r * 100));
    let before = common::rss_anon();
    (5..30).for_each(|r| round(r * 100));
    let after = common::rss_anon();
    assert!(
        after < before + 2_000_000,
        "anonymous memory grew from {before} to {after} bytes over 1,000 prompts"
    );
}

#[test]
fn loading_and_dropping_leaves_no_memory_behind() {
    let _alone = ALONE.lock();
    let dir = tempfile::tempdir().unwrap();
    let path = common::tiny(1).save(dir.path(), "t.gguf");
    let options = LoadOptions { context_tokens: 512, threads: Some(1), ..LoadOptions::default() };
    let once = || {
        let llm = Llm::load(&path, &options).unwrap();
        llm.generate(Request { max_tokens: 2, ..Request::text("a") }, &Cancel::new(), |_| {}).unwrap();
    };
    (0..10).for_each(|_| once());
    let before = common::rss_anon();
    (0..40).for_each(|_| once());
    let after = common::rss_anon();
    assert!(after < before + 4_000_000, "{before} to {after} bytes over 40 loads");
}
