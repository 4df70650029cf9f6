//! Packs through the facade: add, verify, corrupt, hand on.

#![cfg(feature = "packs")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends at the first surprise")]

mod common;

use std::path::{Path, PathBuf};

use common::Home;
#[cfg(feature = "translate")]
use common::english;
use cuba_ffi::{AddPackRequest, CubaError};

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_pack_is_added_verified_and_handed_on() {
    let home = Home::new();
    let packs = home.with_model().packs();
    let listed = packs.list().unwrap();
    assert!(listed.writable && listed.damaged.is_empty());
    let pack = &listed.packs[0];
    assert_eq!((pack.id.as_str(), pack.kind.as_str(), pack.in_use), ("en-es", "nmt", true));
    assert!(packs.verify("en-es".into(), None).wait().unwrap().faults.is_empty());
    let file = packs.export("en-es".into(), home.path("gift.cubapack"), None).wait().unwrap();
    let friend = Home::new();
    let theirs = friend.open();
    let request = AddPackRequest { path: file, direction: None, accept_terms: false };
    assert_eq!(theirs.packs().add(request, None).wait().unwrap().id, "en-es");
    #[cfg(feature = "translate")]
    assert!(theirs.translate().translate(english("Good morning."), None).wait().unwrap().complete);
    assert!(packs.remove("en-es".into()).unwrap() > 0);
}

#[test]
fn a_corrupt_pack_is_named_and_not_used() {
    let home = Home::new();
    let cuba = home.with_model();
    let mut blobs = Vec::new();
    files_below(&home.dir.path().join("home/blobs"), &mut blobs);
    let largest = blobs.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let mut permissions = largest.metadata().unwrap().permissions();
    #[allow(clippy::permissions_set_readonly_false, reason = "a file of the test's own")]
    permissions.set_readonly(false);
    std::fs::set_permissions(largest, permissions).unwrap();
    std::fs::write(largest, bytes).unwrap();
    let faults = cuba.packs().verify("en-es".into(), None).wait().unwrap().faults;
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("vocab.enes"), "{faults:?}");
    #[cfg(feature = "translate")]
    {
        let refused = cuba.translate().translate(english("Good morning."), None).wait();
        assert!(matches!(refused, Err(CubaError::Damaged { .. })), "{refused:?}");
    }
}

#[test]
fn what_is_no_pack_is_refused() {
    let home = Home::new();
    let packs = home.open().packs();
    std::fs::write(home.path("broken.cubapack"), b"PK\x03\x04 not much of a zip").unwrap();
    let request = |path: String| AddPackRequest { path, direction: None, accept_terms: false };
    let broken = packs.add(request(home.path("broken.cubapack")), None).wait();
    assert!(matches!(broken, Err(CubaError::Damaged { .. })), "{broken:?}");
    let nothing = packs.add(request(home.path("nowhere")), None).wait();
    assert!(matches!(nothing, Err(CubaError::BadInput { .. })), "{nothing:?}");
    let unknown = packs.verify("klingon".into(), None).wait();
    assert!(matches!(unknown, Err(CubaError::BadInput { .. })), "{unknown:?}");
    assert!(packs.list().unwrap().packs.is_empty());
}

#[test]
fn the_catalogue_shows_terms_before_anything_is_fetched() {
    let home = Home::new();
    let offers = home.open().packs().offers();
    assert!(offers.iter().any(|offer| offer.terms.must_accept));
    assert!(offers.iter().all(|offer| !offer.in_use && !offer.terms.title.is_empty()));
}

#[test]
fn a_listener_hears_a_pack_being_added() {
    use cuba_ffi::{ListenerError, ProgressListener, ProgressState, Stage};
    use std::sync::{Arc, Mutex};

    struct Heard(Mutex<Vec<ProgressState>>);
    impl ProgressListener for Heard {
        fn on_state(&self, state: ProgressState) -> Result<(), ListenerError> {
            self.0.lock().unwrap().push(state);
            Ok(())
        }
    }
    let home = Home::new();
    let packs = home.open().packs();
    let heard = Arc::new(Heard(Mutex::default()));
    let bytes = packs.add(home.model(), Some(heard.clone())).wait().unwrap().bytes;
    let ended = |states: &Vec<ProgressState>| states.last().is_some_and(|state| state.stage.is_end());
    while !ended(&heard.0.lock().unwrap()) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let states = heard.0.lock().unwrap();
    let last = states.last().unwrap();
    assert_eq!((last.stage, last.done), (Stage::Finished, last.total));
    assert!(last.total >= bytes, "{last:?}");
}

#[test]
fn after_shut_down_packs_say_so() {
    let home = Home::new();
    let cuba = home.open();
    let packs = cuba.packs();
    packs.add(home.model(), None).wait().unwrap();
    cuba.shut_down();
    assert_eq!(packs.list(), Err(CubaError::Closed));
    assert_eq!(packs.verify("en-es".into(), None).wait(), Err(CubaError::Closed));
    assert_eq!(packs.remove("en-es".into()), Err(CubaError::Closed));
    assert_eq!(home.open().packs().list().unwrap().packs.len(), 1, "the data is still there");
}
