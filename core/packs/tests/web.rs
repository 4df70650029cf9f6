//! Downloads from servers that drop, stall, truncate and lie.

#![cfg(feature = "https")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic)]

mod common;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::server::{Answer, Server};
use common::*;
use cuba_packs::{
    Compression, InstallOptions, Installed, ListedSource, Offer, PackError, Progress, Quiet, Store, Watch,
    Web, WebSettings,
};

const SIZE: usize = 900_000;

fn settings() -> WebSettings {
    WebSettings { attempts: 3, first_pause: Duration::from_millis(5), stall: Duration::from_millis(400) }
}

fn source(offer: Offer) -> ListedSource {
    ListedSource::new(offer).with_web(Web::new(settings()))
}

fn get(store: &Store, offer: &Offer) -> Result<Installed, PackError> {
    install(store, &source(offer.clone()))
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn zstd(content: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(content, ruzstd::encoding::CompressionLevel::Fastest)
}

/// Installs from one server and says which ranges it was asked for.
fn run(
    content: &[u8],
    answer: impl Fn(&common::server::Request) -> Answer + Send + Sync + 'static,
) -> (Result<(), PackError>, Vec<Option<usize>>) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let server = Server::start(answer);
    let offer = web_offer("p", content, vec![server.url("m")], None);
    let result =
        get(&store, &offer).map(|_| assert_eq!(common::content(&store, "p").unwrap()["model.bin"], content));
    if result.is_err() {
        assert!(store.list().unwrap().packs.is_empty());
    }
    (result, server.requests().iter().map(common::server::Request::range).collect())
}

#[test]
fn a_good_server_is_asked_once() {
    let data = noise(1, SIZE);
    let served = data.clone();
    let (result, ranges) = run(&data, move |request| Answer::file(request, &served, "\"a\""));
    result.unwrap();
    assert_eq!(ranges, [None]);
}

#[test]
fn a_dropped_connection_is_continued() {
    let data = noise(2, SIZE);
    let served = data.clone();
    let (result, ranges) = run(&data, move |request| {
        let answer = Answer::file(request, &served, "\"a\"");
        if request.earlier < 3 { answer.dropping(200_000) } else { answer }
    });
    result.unwrap();
    assert_eq!(ranges, [None, Some(200_000), Some(400_000), Some(600_000)]);
}

#[test]
fn a_stalled_connection_is_given_up_and_continued() {
    let data = noise(3, SIZE);
    let served = data.clone();
    let start = Instant::now();
    let (result, ranges) = run(&data, move |request| {
        let answer = Answer::file(request, &served, "\"a\"");
        if request.earlier == 0 { answer.stalling(300_000, Duration::from_secs(60)) } else { answer }
    });
    result.unwrap();
    assert_eq!(ranges, [None, Some(300_000)]);
    assert!(start.elapsed() < Duration::from_secs(30), "the server would have been silent for 60 s");
}

#[test]
fn a_server_without_ranges_is_read_from_the_start() {
    let data = noise(4, SIZE);
    let served = data.clone();
    let (result, ranges) = run(&data, move |request| {
        let answer = Answer::new(200, &served);
        if request.earlier == 0 { answer.dropping(100_000) } else { answer }
    });
    result.unwrap();
    assert_eq!(ranges, [None, Some(100_000)]);
}

#[test]
fn a_file_that_changed_on_the_server_is_not_mixed() {
    let (old, new) = (noise(5, SIZE), noise(6, SIZE));
    let served = new.clone();
    let (result, ranges) = run(&new, move |request| match request.earlier {
        0 => Answer::file(request, &old, "\"old\"").dropping(500_000),
        _ => Answer::file(request, &served, "\"new\""),
    });
    result.unwrap();
    assert_eq!(ranges, [None, Some(500_000)], "If-Range made the server send all of the new file");
}

#[test]
fn busy_servers_are_asked_again_and_absent_files_are_not() {
    let data = noise(7, 10_000);
    let served = data.clone();
    let (result, ranges) = run(&data, move |request| match request.earlier {
        0 => Answer::new(503, b""),
        1 => Answer::new(429, b""),
        _ => Answer::file(request, &served, "\"a\""),
    });
    result.unwrap();
    assert_eq!(ranges.len(), 3);
    let (result, ranges) = run(&data, |_| Answer::new(500, b"broken"));
    assert!(matches!(result, Err(PackError::Network { .. })), "{result:?}");
    assert_eq!(ranges.len(), 3);
    let (result, ranges) = run(&data, |_| Answer::new(404, b"not here"));
    assert!(matches!(result, Err(PackError::Network { .. })), "{result:?}");
    assert_eq!(ranges.len(), 1);
}

#[test]
fn lies_are_found_out() {
    let data = noise(8, SIZE);
    let mut wrong = data.clone();
    wrong[SIZE / 2] ^= 1;
    let (result, _) = run(&data, move |request| Answer::file(request, &wrong, "\"a\""));
    assert!(matches!(result, Err(PackError::Corrupt { .. })), "wrong bytes: {result:?}");

    let longer = noise(8, SIZE + 1000);
    let (result, ranges) = run(&data, move |request| Answer::file(request, &longer, "\"a\""));
    assert!(matches!(result, Err(PackError::Corrupt { .. })), "too long: {result:?}");
    assert_eq!(ranges.len(), 1);

    // Promises the right length and sends without end: never more than the limit is written.
    let endless = noise(8, SIZE + 5_000_000);
    let (result, _) = run(&data, move |_| Answer { status: 200, body: endless.clone(), ..Answer::default() });
    assert!(matches!(result, Err(PackError::Corrupt { .. })), "endless: {result:?}");

    // Promises more than it has, every time.
    let short = data.clone();
    let (result, _) =
        run(&data, move |_| Answer::new(200, &short[..1000]).with("Content-Length", &SIZE.to_string()));
    assert!(matches!(result, Err(PackError::Network { .. })), "short: {result:?}");

    // Continues at a place that was not asked for.
    let served = data.clone();
    let (result, ranges) = run(&data, move |request| match (request.earlier, request.range()) {
        (0, _) => Answer::file(request, &served, "\"a\"").dropping(300_000),
        (1, Some(_)) => {
            Answer::new(206, &served[100..]).with("Content-Range", &format!("bytes 100-{}/{SIZE}", SIZE - 1))
        }
        _ => Answer::file(request, &served, "\"a\""),
    });
    result.unwrap();
    assert_eq!(ranges, [None, Some(300_000), None]);
}

#[test]
fn the_next_mirror_takes_over() {
    let data = noise(9, SIZE);
    let (a, b, c) = (data.clone(), data.clone(), data.clone());
    // The first mirror breaks down half-way, the second is wrong in its second half, the third is good.
    let first = Server::start(move |request| match request.earlier {
        0 => Answer::file(request, &a, "\"1\"").dropping(SIZE / 2),
        _ => Answer::new(503, b""),
    });
    let second = Server::start(move |request| {
        let mut wrong = b.clone();
        wrong[SIZE - 10] ^= 1;
        Answer::file(request, &wrong, "\"2\"")
    });
    let third = Server::start(move |request| Answer::file(request, &c, "\"3\""));
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let offer = web_offer("p", &data, vec![first.url("m"), second.url("m"), third.url("m")], None);
    get(&store, &offer).unwrap();
    assert_eq!(content(&store, "p").unwrap()["model.bin"], data);
    assert_eq!(second.requests()[0].range(), Some(SIZE / 2), "what the first gave was continued");
    assert_eq!(third.requests()[0].range(), None, "what the second gave was thrown away");
}

#[test]
fn a_later_run_continues_what_an_earlier_one_left() {
    let data = noise(10, SIZE);
    let dir = tempfile::tempdir().unwrap();
    let served = data.clone();
    let server = Server::start(move |request| match request.earlier {
        0 => Answer::file(request, &served, "\"a\"").dropping(700_000),
        1..=3 => Answer::new(500, b""),
        _ => Answer::file(request, &served, "\"a\""),
    });
    let offer = web_offer("p", &data, vec![server.url("m")], None);
    let store = open(dir.path());
    assert!(matches!(get(&store, &offer), Err(PackError::Network { .. })));
    let left = store.unfinished().unwrap();
    assert_eq!(left[0].pack, pack("p@1"));
    assert!(left[0].arrived >= 700_000);
    drop(store);
    let store = open(dir.path());
    get(&store, &offer).unwrap();
    assert_eq!(server.requests().last().unwrap().range(), Some(700_000));
    assert_eq!(content(&store, "p").unwrap()["model.bin"], data);
    assert!(store.unfinished().unwrap().is_empty());
}

#[test]
fn a_damaged_rest_of_an_earlier_run_is_fetched_anew() {
    let data = noise(11, SIZE);
    let dir = tempfile::tempdir().unwrap();
    let served = data.clone();
    let server = Server::start(move |request| match request.earlier {
        0 => Answer::file(request, &served, "\"a\"").dropping(500_000),
        1..=3 => Answer::new(500, b""),
        _ => Answer::file(request, &served, "\"a\""),
    });
    let offer = web_offer("p", &data, vec![server.url("m")], None);
    assert!(get(&open(dir.path()), &offer).is_err());
    // A power loss: the file kept its length but not its bytes.
    let staged = dir.path().join("staging/p@1/f0");
    assert_eq!(std::fs::metadata(&staged).unwrap().len(), 500_000);
    std::fs::write(&staged, vec![0; 500_000]).unwrap();
    let store = open(dir.path());
    get(&store, &offer).unwrap();
    assert_eq!(content(&store, "p").unwrap()["model.bin"], data);
}

#[test]
fn an_unfinished_download_can_be_given_up() {
    let data = noise(12, SIZE);
    let dir = tempfile::tempdir().unwrap();
    let served = data.clone();
    let server = Server::start(move |request| match request.earlier {
        0 => Answer::file(request, &served, "\"a\"").dropping(500_000),
        _ => Answer::new(500, b""),
    });
    let store = open(dir.path());
    assert!(get(&store, &web_offer("p", &data, vec![server.url("m")], None)).is_err());
    store.discard(&pack("p")).unwrap();
    assert!(store.unfinished().unwrap().is_empty());
    assert_eq!(files_below(dir.path()), Vec::<String>::new());
}

#[test]
fn compressed_files_are_unpacked_and_checked() {
    let data: Vec<u8> = noise(13, 50_000).repeat(8);
    for (compression, packed) in [(Compression::Gzip, gzip(&data)), (Compression::Zstd, zstd(&data))] {
        let dir = tempfile::tempdir().unwrap();
        let served = packed.clone();
        // Interrupted too: the compressed bytes are what is continued.
        let server = Server::start(move |request| {
            let answer = Answer::file(request, &served, "\"a\"");
            if request.earlier == 0 { answer.dropping(served.len() / 2) } else { answer }
        });
        let store = open(dir.path());
        get(&store, &web_offer("p", &data, vec![server.url("m")], Some(compression))).unwrap();
        assert_eq!(content(&store, "p").unwrap()["model.bin"], data, "{compression:?}");
        assert_eq!(server.requests()[1].range(), Some(packed.len() / 2));

        for (name, bad) in
            [("cut", packed[..packed.len() - 20].to_vec()), ("noise", noise(1, 5000)), ("empty", vec![])]
        {
            let dir = tempfile::tempdir().unwrap();
            let server = Server::start(move |request| Answer::file(request, &bad, "\"a\""));
            let result =
                get(&open(dir.path()), &web_offer("p", &data, vec![server.url("m")], Some(compression)));
            assert!(matches!(result, Err(PackError::Corrupt { .. })), "{compression:?} {name}: {result:?}");
        }
    }
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let zeros = vec![0_u8; 200 << 20];
    let dir = tempfile::tempdir().unwrap();
    for (compression, bomb) in [(Compression::Gzip, gzip(&zeros)), (Compression::Zstd, zstd(&zeros))] {
        let server = Server::start(move |request| Answer::file(request, &bomb, "\"a\""));
        let small = noise(1, 4_000_000);
        let result =
            get(&open(dir.path()), &web_offer("p", &small, vec![server.url("m")], Some(compression)));
        assert!(matches!(result, Err(PackError::Corrupt { .. })), "{compression:?}: {result:?}");
    }
}

#[test]
fn files_without_a_published_hash_come_whole_or_not_at_all() {
    let data = noise(14, 100_000);
    let unpinned = |url: String| {
        let mut offer = web_offer("p", &data, vec![url], None);
        offer.files[0].sha256 = None;
        offer.files[0].size = None;
        offer
    };
    let dir = tempfile::tempdir().unwrap();
    let served = data.clone();
    let server = Server::start(move |request| {
        let answer = Answer::file(request, &served, "\"a\"");
        if request.earlier == 0 { answer.dropping(40_000) } else { answer }
    });
    let store = open(dir.path());
    let installed = get(&store, &unpinned(server.url("m"))).unwrap();
    assert_eq!(installed.manifest.files[0].sha256, cuba_packs::Digest::of(&data), "pinned from now on");
    // No length, no hash: an early end could not be told from the end.
    let (dir, served) = (tempfile::tempdir().unwrap(), data.clone());
    let server = Server::start(move |_| Answer { status: 200, body: served.clone(), ..Answer::default() });
    assert!(get(&open(dir.path()), &unpinned(server.url("m"))).is_err());
}

/// Cancels once bytes have arrived.
struct CancelAt(u64, AtomicU64);

impl Watch for CancelAt {
    fn progress(&self, progress: Progress<'_>) {
        self.1.store(progress.done, Ordering::Relaxed);
    }
    fn cancelled(&self) -> bool {
        self.1.load(Ordering::Relaxed) >= self.0
    }
}

#[test]
fn a_cancel_is_heard_while_the_server_is_silent_and_keeps_what_arrived() {
    let data = noise(15, SIZE);
    let served = data.clone();
    let server = Server::start(move |request| {
        let answer = Answer::file(request, &served, "\"a\"");
        if request.earlier == 0 { answer.stalling(300_000, Duration::from_secs(60)) } else { answer }
    });
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let patient = WebSettings { stall: Duration::from_secs(60), ..settings() };
    let offer = web_offer("p", &data, vec![server.url("m")], None);
    let source = ListedSource::new(offer.clone()).with_web(Web::new(patient));
    let start = Instant::now();
    let watch = CancelAt(300_000, AtomicU64::new(0));
    let result = store.install(&source, &InstallOptions::default(), &watch);
    assert!(matches!(result, Err(PackError::Cancelled)));
    assert!(start.elapsed() < Duration::from_secs(20), "60 s of silence were not waited for");
    get(&store, &offer).unwrap();
    assert_eq!(server.requests()[1].range(), Some(300_000));
}

#[test]
fn without_a_way_to_fetch_no_connection_is_made() {
    let server = Server::start(|_| Answer::new(200, b""));
    let dir = tempfile::tempdir().unwrap();
    let offer = web_offer("p", b"x", vec![server.url("m")], None);
    assert!(matches!(install(&open(dir.path()), &ListedSource::new(offer)), Err(PackError::NotFound { .. })));
    // An address that is not allowed is refused with the offer.
    let offer = web_offer("p", b"x", vec!["ftp://127.0.0.1/m".into()], None);
    assert!(matches!(get(&open(dir.path()), &offer), Err(PackError::Corrupt { .. })));
    assert!(server.requests().is_empty());
    let device = Arc::new(FakeDevice { memory: None, disk: AtomicU64::new(0) });
    let store = Store::open(dir.path(), device).unwrap();
    let result = store.install(
        &source(web_offer("p", b"x", vec![server.url("m")], None)),
        &InstallOptions::default(),
        &Quiet,
    );
    assert!(matches!(result, Err(PackError::NotEnoughSpace { .. })), "space is checked first");
    assert!(server.requests().is_empty());
}
