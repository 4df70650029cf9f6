//! The handle from which everything hangs.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use zeroize::Zeroizing;

use crate::{CubaError, Platform};

/// Where Cuba lives and how it is to behave.
#[derive(Clone, PartialEq, Eq, uniffi::Record)]
pub struct Config {
    /// The app's own directory; packs and the database lie below it. On Android `filesDir`, never shared storage.
    pub home: String,
    /// Threads of a translation; `None` for as many as the device has, four at most.
    #[uniffi(default = None)]
    pub threads: Option<u32>,
    /// Protects the database where the platform brings no key store.
    #[uniffi(default = None)]
    pub passphrase: Option<String>,
}

impl Config {
    /// The defaults in a directory.
    pub fn at(home: &str) -> Self {
        Self { home: home.to_owned(), threads: None, passphrase: None }
    }
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let passphrase = self.passphrase.as_ref().map(|_| "..");
        let Self { home, threads, .. } = self;
        f.debug_struct("Config")
            .field("home", home)
            .field("threads", threads)
            .field("passphrase", &passphrase)
            .finish()
    }
}

/// What all parts share.
#[cfg_attr(
    not(all(feature = "translate", feature = "health")),
    allow(dead_code, reason = "translation alone asks for threads, health alone for the passphrase")
)]
pub(crate) struct Shared {
    pub(crate) home: PathBuf,
    pub(crate) threads: Option<u32>,
    pub(crate) passphrase: Option<Zeroizing<String>>,
    pub(crate) platform: Platform,
    closed: AtomicBool,
}

impl Shared {
    /// Fails once Cuba was shut down.
    pub(crate) fn open(&self) -> Result<(), CubaError> {
        if self.closed.load(Ordering::Relaxed) { Err(CubaError::Closed) } else { Ok(()) }
    }
}

/// Cuba on this device. One for each home directory; may be used from any thread.
#[derive(uniffi::Object)]
pub struct Cuba {
    shared: Arc<Shared>,
    #[cfg(feature = "packs")]
    packs: Arc<crate::Packs>,
    #[cfg(feature = "translate")]
    translate: Arc<crate::Translate>,
    #[cfg(feature = "health")]
    health: Arc<crate::Health>,
}

#[uniffi::export]
impl Cuba {
    /// Opens the home directory, making it if need be. Loads no model and opens no database yet.
    #[uniffi::constructor]
    pub fn open(config: Config, platform: Platform) -> Result<Arc<Self>, CubaError> {
        if config.home.is_empty() {
            return Err(CubaError::bad_input("the home directory has no name: pass the app's own directory"));
        }
        let shared = Arc::new(Shared {
            home: PathBuf::from(config.home),
            threads: config.threads,
            passphrase: config.passphrase.map(Zeroizing::new),
            platform,
            closed: AtomicBool::new(false),
        });
        #[cfg(feature = "packs")]
        let packs = crate::Packs::open(&shared)?;
        #[cfg(feature = "translate")]
        let translate = crate::Translate::new(&shared, &packs);
        #[cfg(feature = "health")]
        let health = crate::Health::new(&shared);
        Ok(Arc::new(Self {
            shared,
            #[cfg(feature = "packs")]
            packs,
            #[cfg(feature = "translate")]
            translate,
            #[cfg(feature = "health")]
            health,
        }))
    }

    /// Cancels every task and closes the database once the last of them is done. Every later call fails with
    /// [`CubaError::Closed`].
    pub fn shut_down(&self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        #[cfg(feature = "translate")]
        self.translate.shut_down();
        #[cfg(feature = "packs")]
        self.packs.shut_down();
        #[cfg(feature = "health")]
        self.health.shut_down();
    }
}

#[cfg(feature = "translate")]
#[uniffi::export]
impl Cuba {
    /// Translation.
    pub fn translate(&self) -> Arc<crate::Translate> {
        self.translate.clone()
    }
}

#[cfg(feature = "packs")]
#[uniffi::export]
impl Cuba {
    /// Model packs.
    pub fn packs(&self) -> Arc<crate::Packs> {
        self.packs.clone()
    }
}

#[cfg(feature = "health")]
#[uniffi::export]
impl Cuba {
    /// The health log.
    pub fn health(&self) -> Arc<crate::Health> {
        self.health.clone()
    }
}

/// The version of the library, to be compared with the app's own packages.
#[uniffi::export]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
