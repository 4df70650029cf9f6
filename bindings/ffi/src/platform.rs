//! What the platform owns: the app implements these traits, the core asks through them.
//!
//! Every method may fail, and every trait has a stand-in for hosts without one. A call into the app that throws
//! something unexpected becomes [`PlatformError::Unavailable`], never a crash.

use std::sync::Arc;

/// Why the platform did not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum PlatformError {
    /// What was asked for is not there: the key was deleted, no voice for this language.
    #[error("not there")]
    Missing,
    /// The key does not open this.
    #[error("the key does not fit")]
    Wrong,
    /// Locked, refused or broken just now.
    #[error("{reason}")]
    Unavailable {
        /// A fragment for a log, without user data.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for PlatformError {
    fn from(_: uniffi::UnexpectedUniFFICallbackError) -> Self {
        // The exception's own text may hold user data.
        Self::Unavailable { reason: "the app's code failed".to_owned() }
    }
}

/// Seals the 32 bytes that open the database: Android's Keystore, Apple's Keychain, a desktop's keyring.
#[uniffi::export(rust, foreign)]
pub trait KeyStore: Send + Sync {
    /// A short, fixed name, written beside the database so that it is opened the same way again: `android-keystore`.
    fn kind(&self) -> Result<String, PlatformError>;
    /// Seals the secret, making the sealing key if there is none.
    fn wrap(&self, secret: Vec<u8>) -> Result<Vec<u8>, PlatformError>;
    /// Opens what [`KeyStore::wrap`] sealed. [`PlatformError::Missing`] where the sealing key is gone,
    /// [`PlatformError::Wrong`] where it does not fit.
    fn unwrap(&self, wrapped: Vec<u8>) -> Result<Vec<u8>, PlatformError>;
}

/// The time and where the user is.
#[uniffi::export(rust, foreign)]
pub trait Clock: Send + Sync {
    /// Milliseconds since 1970 UTC.
    fn now_ms(&self) -> Result<i64, PlatformError>;
    /// IANA name of the time zone: `Europe/Berlin`.
    fn time_zone(&self) -> Result<String, PlatformError>;
}

/// Whether the user wants the battery spared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, uniffi::Enum)]
pub enum Power {
    /// As fast as possible.
    #[default]
    Normal,
    /// Battery saver is on or the device is hot: half the threads.
    Saving,
}

/// Memory and battery.
#[uniffi::export(rust, foreign)]
pub trait Device: Send + Sync {
    /// Bytes that may be taken without pushing other apps out; `None` where the system does not say.
    fn memory_available(&self) -> Result<Option<u64>, PlatformError>;
    /// Whether to spare the battery.
    fn power(&self) -> Result<Power, PlatformError>;
}

/// The platform's own voice.
#[uniffi::export(rust, foreign)]
pub trait Speech: Send + Sync {
    /// Begins to speak; [`PlatformError::Missing`] where there is no voice for the language.
    fn speak(&self, text: String, language: String) -> Result<(), PlatformError>;
    /// Falls silent.
    fn stop(&self) -> Result<(), PlatformError>;
}

/// A notification to be shown at a time.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct NotificationRequest {
    /// Names it: one with the same id is replaced.
    pub id: String,
    /// When, milliseconds since 1970 UTC.
    pub at_ms: i64,
    /// The user's own name for what is due.
    pub title: String,
    /// The user's own question, or nothing.
    pub body: String,
}

/// The platform's notifications.
#[uniffi::export(rust, foreign)]
pub trait Notifications: Send + Sync {
    /// Plans a notification.
    fn schedule(&self, notification: NotificationRequest) -> Result<(), PlatformError>;
    /// Takes it back; one that is not planned is no fault.
    fn cancel(&self, id: String) -> Result<(), PlatformError>;
}

/// What the app brings; each part may be left out.
#[derive(Clone, Default, uniffi::Record)]
pub struct Platform {
    /// Without it the key is in a file that only its owner may read, or derived from [`crate::Config::passphrase`].
    #[uniffi(default = None)]
    pub key_store: Option<Arc<dyn KeyStore>>,
    /// Without it the system's clock and time zone.
    #[uniffi(default = None)]
    pub clock: Option<Arc<dyn Clock>>,
    /// Without it what the system says itself (Linux, Android), and full power.
    #[uniffi(default = None)]
    pub device: Option<Arc<dyn Device>>,
    /// Without it nothing is spoken.
    #[uniffi(default = None)]
    pub speech: Option<Arc<dyn Speech>>,
    /// Without it nobody is reminded.
    #[uniffi(default = None)]
    pub notifications: Option<Arc<dyn Notifications>>,
}

impl Platform {
    #[cfg(feature = "health")]
    pub(crate) fn now(&self) -> jiff::Timestamp {
        let given = self.clock.as_ref().and_then(|clock| clock.now_ms().ok());
        given.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok()).unwrap_or_else(jiff::Timestamp::now)
    }

    #[cfg(feature = "health")]
    pub(crate) fn zone(&self) -> jiff::tz::TimeZone {
        let given = self.clock.as_ref().and_then(|clock| clock.time_zone().ok());
        given.and_then(|name| jiff::tz::TimeZone::get(&name).ok()).unwrap_or_else(jiff::tz::TimeZone::system)
    }

    #[cfg(feature = "translate")]
    pub(crate) fn power(&self) -> Power {
        self.device.as_ref().and_then(|device| device.power().ok()).unwrap_or_default()
    }
}

/// The app's memory figures for the pack store, the disk's from the system.
#[cfg(feature = "packs")]
pub(crate) struct AppDevice(pub(crate) Option<Arc<dyn Device>>);

#[cfg(feature = "packs")]
impl cuba_packs::Device for AppDevice {
    fn memory_available(&self) -> Option<u64> {
        match &self.0 {
            Some(device) => device.memory_available().ok().flatten(),
            None => cuba_packs::ThisDevice.memory_available(),
        }
    }

    fn disk_free(&self, path: &std::path::Path) -> std::io::Result<u64> {
        cuba_packs::ThisDevice.disk_free(path)
    }
}

/// The app's key store as the vault wants it.
#[cfg(feature = "health")]
pub(crate) struct AppKeyStore {
    keys: Arc<dyn KeyStore>,
    kind: String,
}

#[cfg(feature = "health")]
impl AppKeyStore {
    pub(crate) fn new(keys: Arc<dyn KeyStore>) -> Result<Self, cuba_vault::VaultError> {
        let kind = keys.kind().map_err(of_key_store)?;
        Ok(Self { keys, kind })
    }
}

#[cfg(feature = "health")]
fn of_key_store(error: PlatformError) -> cuba_vault::VaultError {
    match error {
        PlatformError::Missing => cuba_vault::VaultError::KeyMissing,
        PlatformError::Wrong => cuba_vault::VaultError::KeyWrong,
        PlatformError::Unavailable { reason } => cuba_vault::VaultError::KeyStoreUnavailable { reason },
    }
}

#[cfg(feature = "health")]
impl cuba_vault::KeyStore for AppKeyStore {
    fn kind(&self) -> String {
        self.kind.clone()
    }

    fn describe(&self) -> String {
        format!("the platform's key store ({})", self.kind)
    }

    fn wrap(&self, secret: &[u8; 32]) -> Result<Vec<u8>, cuba_vault::VaultError> {
        self.keys.wrap(secret.to_vec()).map_err(of_key_store)
    }

    fn unwrap(&self, wrapped: &[u8]) -> Result<zeroize::Zeroizing<[u8; 32]>, cuba_vault::VaultError> {
        let secret = zeroize::Zeroizing::new(self.keys.unwrap(wrapped.to_vec()).map_err(of_key_store)?);
        let secret = secret.as_slice().try_into().map_err(|_| cuba_vault::VaultError::KeyWrong)?;
        Ok(zeroize::Zeroizing::new(secret))
    }
}
