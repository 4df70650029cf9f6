//! A home of its own for each test, with the tiny model of the training pipeline's tests.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

#[cfg(feature = "translate")]
use cuba_ffi::TranslateRequest;
#[cfg(feature = "packs")]
use cuba_ffi::{AddPackRequest, Direction};
use cuba_ffi::{Config, Cuba, Platform};

pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn config(&self) -> Config {
        Config::at(&self.path("home"))
    }

    pub(crate) fn open(&self) -> Arc<Cuba> {
        Cuba::open(self.config(), Platform::default()).unwrap()
    }

    /// With the en-es model. Its Spanish is poor; its arithmetic is real.
    #[cfg(feature = "packs")]
    pub(crate) fn with_model(&self) -> Arc<Cuba> {
        let cuba = self.open();
        cuba.packs().add(self.model(), None).wait().unwrap();
        cuba
    }

    #[cfg(feature = "packs")]
    pub(crate) fn model(&self) -> AddPackRequest {
        let folder = self.dir.path().join("enes");
        model_folder(&folder);
        AddPackRequest {
            path: folder.to_str().unwrap().to_owned(),
            direction: Some(Direction { from: "en".into(), to: "es".into() }),
            accept_terms: false,
        }
    }
}

pub(crate) fn model_folder(folder: &PathBuf) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures");
    std::fs::create_dir_all(folder).unwrap();
    for name in ["model.enes.intgemm.alphas.bin", "vocab.enes.spm"] {
        std::fs::copy(fixtures.join(name), folder.join(name)).unwrap();
    }
}

#[cfg(feature = "translate")]
pub(crate) fn english(text: &str) -> TranslateRequest {
    TranslateRequest { from: Some("en".into()), ..TranslateRequest::new(text, "es") }
}

/// Enough sentences to be still at work when something else happens.
pub(crate) fn long_text() -> String {
    (0..3000).fold(String::new(), |text, i| text + &format!("Good morning, number {i} is here. "))
}
