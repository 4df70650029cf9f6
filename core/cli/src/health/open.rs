//! Opening the store: the database's key, the clock, the zone and the language of this run.

use std::path::{Path, PathBuf};

use cuba_health::HealthError;
use cuba_health::store::{Day, Store};
use cuba_report::{Language, ReportError, Setting};
use cuba_vault::{OpenOptions, Schema, Vault, VaultError};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::exit::{Code, Failure};
use crate::home;

/// Tables of everything that the health commands use.
pub(crate) const SCHEMAS: [Schema; 2] = [cuba_health::store::SCHEMA, cuba_report::card::SCHEMA];

/// Where, when and how this command runs.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) home: PathBuf,
    pub(super) setting: Setting,
    pub(super) json: bool,
}

impl Place {
    pub(super) fn new(
        home: &Path,
        now: Option<Timestamp>,
        zone: Option<&str>,
        language: Option<Language>,
        json: bool,
    ) -> Result<Self, Failure> {
        let zone = match zone {
            None => TimeZone::system(),
            Some(name) => TimeZone::get(name).map_err(|_| {
                Failure::new(Code::BadInput, format_args!("there is no time zone `{name}`"))
                    .hint("zones are named as Europe/Berlin, America/Bogota or UTC")
            })?,
        };
        let setting = Setting {
            now: now.unwrap_or_else(Timestamp::now),
            zone,
            language: language.or_else(system_language).unwrap_or_default(),
        };
        Ok(Self { home: home.to_path_buf(), setting, json })
    }

    pub(super) fn language(&self) -> Language {
        self.setting.language
    }

    pub(super) fn today(&self) -> Day {
        self.setting.today()
    }

    pub(super) fn database(&self) -> PathBuf {
        home::database(&self.home)
    }

    pub(super) fn options(&self) -> OpenOptions {
        OpenOptions::at(self.setting.now)
    }

    /// The store; made, with its key, when there is none yet.
    pub(super) fn store(&self) -> Result<Store, Failure> {
        let keys = crate::keys::present(&self.home)?;
        let vault = Vault::open(&self.database(), keys.as_ref(), &SCHEMAS, &self.options())?;
        if let Some(aside) = vault.set_aside() {
            return Err(Failure::new(Code::Damaged, format_args!("the database is damaged ({})", aside.reason))
                .hint(format_args!(
                    "nothing was deleted: it was moved to {}\n  put your last backup back with `cuba health restore FILE`, \
                     or run the command again to begin with an empty database",
                    aside.moved_to.display()
                )));
        }
        Ok(Store::in_vault(std::sync::Arc::new(vault)))
    }
}

fn system_language() -> Option<Language> {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
        .and_then(|locale| Language::of_locale(&locale))
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let code = match &error {
            VaultError::DiskFull => Code::NoRoom,
            VaultError::Damaged { .. } => Code::Damaged,
            VaultError::Cancelled => return Self::cancelled(),
            _ => Code::Failed,
        };
        let failure = Self::new(code, &error);
        match error {
            VaultError::KeyWrong => {
                failure.hint("nothing was changed; put the right key file back, or restore a backup")
            }
            VaultError::Damaged { .. } => failure.hint("nothing was deleted; restore your last backup"),
            VaultError::KeyStoreUnavailable { .. } => failure.hint(
                "nothing was changed; unlock the desktop's keyring and try again. On Linux a Secret Service has to run in \
                 your session: GNOME Keyring or KWallet",
            ),
            _ => failure,
        }
    }
}

impl From<HealthError> for Failure {
    fn from(error: HealthError) -> Self {
        let code = match error {
            HealthError::Vault(e) => return e.into(),
            HealthError::Io(e) => return e.into(),
            HealthError::DamagedDay { .. } => Code::Damaged,
            _ => Code::BadInput,
        };
        Self::new(code, error)
    }
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Health(e) => e.into(),
            other => Self::new(Code::BadInput, other),
        }
    }
}
