//! `cuba keys`: where the key of the encrypted database rests, and moving it elsewhere.

use std::io::Write as _;
use std::path::Path;

use clap::{Args, Subcommand, ValueEnum};
use cuba_vault::{KeyFile, KeyStore, OpenOptions, Passphrase, Vault, Zeroizing, key_protection, rewrap};
use jiff::Timestamp;
use serde::Serialize;

use crate::exit::{Code, Failure, Outcome};
use crate::{home, screen};

const PRESENT: &str = "CUBA_PASSPHRASE";
const NEXT: &str = "CUBA_NEW_PASSPHRASE";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct KeysArgs {
    #[command(subcommand)]
    command: Option<KeysCommand>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum KeysCommand {
    /// Keep the key elsewhere from now on; the database itself is not rewritten
    #[command(after_help = "\
The passphrase is asked for, or taken from the variable CUBA_PASSPHRASE, a new one from CUBA_NEW_PASSPHRASE. Who forgets \
it loses the data: make a backup with a recovery key first (`cuba health backup --recovery-key FILE`).")]
    Use {
        /// Where
        place: KeyPlace,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeyPlace {
    /// A file that only you may read: protects a copied database, not from someone who reads all your files
    File,
    /// A passphrase asked for at each start: nothing on the disk opens the database
    Passphrase,
    /// The desktop's own keyring, open while you are logged in
    Keyring,
}

#[derive(Serialize)]
struct KeysView {
    /// `file`, `passphrase`, `keyring`; null before the first private record.
    kept_by: Option<String>,
    /// The same in words.
    means: String,
}

pub(crate) fn run(home: &Path, args: &KeysArgs) -> Outcome {
    let json = match &args.command {
        None => args.json,
        Some(KeysCommand::Use { place, json }) => {
            change(home, *place)?;
            *json
        }
    };
    let kept_by = key_protection(&home::database(home))?;
    let view = KeysView { means: describe(home)?, kept_by };
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, &view).map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", view.means)?;
    }
    Ok(())
}

/// What keeps the key, for `cuba status` too. Asks for nothing.
pub(crate) fn describe(home: &Path) -> Result<String, Failure> {
    Ok(match key_protection(&home::database(home))?.as_deref() {
        None => "none yet: made with the first private record".to_owned(),
        Some("file") => format!("file: {}", file(home).describe()),
        Some("passphrase") => format!("passphrase: {}", Passphrase::new("").describe()),
        Some("keyring") => "keyring: the desktop's keyring, open while you are logged in".to_owned(),
        Some(other) => format!("{other}: kept by another app"),
    })
}

/// The key store that holds, or will hold, the database's key.
pub(crate) fn present(home: &Path) -> Result<Box<dyn KeyStore>, Failure> {
    match key_protection(&home::database(home))?.as_deref() {
        None | Some("file") => Ok(Box::new(file(home))),
        Some("passphrase") => {
            Ok(Box::new(Passphrase::new(passphrase(PRESENT, "Passphrase of the database: ")?.as_str())))
        }
        Some("keyring") => keyring(home),
        Some(kind) => Err(Failure::new(
            Code::Failed,
            format_args!("the key of the database is kept by `{kind}`, which this program cannot ask"),
        )
        .hint("open it with the app that made it, or restore a backup")),
    }
}

fn change(home: &Path, place: KeyPlace) -> Outcome {
    let database = home::database(home);
    let from = key_protection(&database)?.map(|_| present(home)).transpose()?;
    let to: Box<dyn KeyStore> = match place {
        KeyPlace::File => Box::new(file(home)),
        KeyPlace::Passphrase => Box::new(Passphrase::new(new_passphrase(NEXT, "New passphrase: ")?.as_str())),
        KeyPlace::Keyring => keyring(home)?,
    };
    let Some(from) = from else {
        // Nothing private is there yet: an empty database, so that the choice is kept.
        Vault::open(
            &database,
            to.as_ref(),
            &crate::health::open::SCHEMAS,
            &OpenOptions::at(Timestamp::now()),
        )?;
        return Ok(());
    };
    rewrap(&database, from.as_ref(), to.as_ref())?;
    if from.kind() != to.kind() {
        from.forget()?;
    }
    Ok(())
}

fn file(home: &Path) -> KeyFile {
    KeyFile::new(home.join("keys").join("vault.kek"))
}

#[cfg(feature = "keyring")]
fn keyring(home: &Path) -> Result<Box<dyn KeyStore>, Failure> {
    // The folder's own name: several homes may live side by side. It must be there, or the name would be another one
    // at the next start and the key not be found.
    std::fs::create_dir_all(home)?;
    let account = std::fs::canonicalize(home)?;
    Ok(Box::new(cuba_vault::OsKeyring::new(account.display().to_string())))
}

#[cfg(not(feature = "keyring"))]
fn keyring(_home: &Path) -> Result<Box<dyn KeyStore>, Failure> {
    Err(Failure::new(Code::Failed, "this build cannot ask the desktop's keyring")
        .hint("build with `--features health,keyring` (scripts/cuba keys use keyring does)"))
}

/// A passphrase that will be needed again: asked for twice where it is typed.
pub(crate) fn new_passphrase(variable: &str, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let text = passphrase(variable, prompt)?;
    let typed = std::env::var(variable).map_or(true, |given| given.is_empty());
    if typed && *passphrase(variable, "The same again: ")? != *text {
        return Err(Failure::new(Code::BadInput, "the two passphrases differ; nothing was changed"));
    }
    Ok(text)
}

/// A passphrase from the variable, or asked for on a terminal without echo.
pub(crate) fn passphrase(variable: &str, prompt: &str) -> Result<Zeroizing<String>, Failure> {
    if let Ok(text) = std::env::var(variable)
        && !text.is_empty()
    {
        return Ok(Zeroizing::new(text));
    }
    if !screen::is_interactive() {
        return Err(Failure::new(
            Code::BadInput,
            "a passphrase is needed and there is no terminal to ask on",
        )
        .hint(format_args!("put it into the variable {variable}")));
    }
    let text = Zeroizing::new(rpassword::prompt_password(prompt)?);
    if text.is_empty() { Err(Failure::cancelled()) } else { Ok(text) }
}
