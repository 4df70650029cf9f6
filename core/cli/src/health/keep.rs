//! Keeping and leaving: `backup`, `restore`, `export`, `erase`.

use std::io::{BufRead as _, Write as _};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{ArgGroup, Args};
use cuba_health::metric::Metric;
use cuba_health::store::{self, Scope};
use cuba_vault::{BackupSecret, RecoveryKey, Zeroizing};
use serde::Serialize;

use super::open::{Place, SCHEMAS};
use super::{answer, show, sources, time, write_whole};
use crate::exit::{Code, Failure, Outcome};
use crate::keys::{new_passphrase, passphrase};
use crate::{interrupt, screen};

const VARIABLE: &str = "CUBA_BACKUP_PASSPHRASE";

#[derive(Debug, Args)]
#[command(after_help = "\
The passphrase is asked for, or taken from the variable CUBA_BACKUP_PASSPHRASE. With --recovery-key a key for paper is \
made and printed once; nobody can open the backup without it.")]
pub(super) struct BackupArgs {
    /// The file to write
    file: PathBuf,
    /// Make a random key, print it once, and seal with it
    #[arg(long)]
    recovery_key: bool,
}

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    /// A file that `cuba health backup` wrote
    file: PathBuf,
    /// File with the recovery key, where the backup was sealed with one
    #[arg(long, value_name = "FILE")]
    recovery_key: Option<PathBuf>,
    /// Do not ask before what is here is replaced
    #[arg(long)]
    yes: bool,
}

#[derive(Serialize)]
struct Sealed {
    file: String,
    created: jiff::Timestamp,
    database_bytes: u64,
    recovery_key: Option<String>,
}

/// Ends the work at its next step after Ctrl-C.
fn stoppable() -> Result<impl FnMut(cuba_vault::Progress) -> ControlFlow<()>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    interrupt::on_interrupt(move || flag.store(true, Ordering::Relaxed))?;
    Ok(move |_| if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
}

pub(super) fn backup(place: &Place, args: &BackupArgs) -> Outcome {
    let store = place.store()?;
    let mut progress = stoppable()?;
    let now = place.setting.now;
    let (info, key) = if args.recovery_key {
        let key = RecoveryKey::generate()?;
        let secret = BackupSecret::RecoveryKey(&key);
        let info = cuba_vault::backup(store.vault(), &args.file, &secret, now, &mut progress)?;
        (info, Some(key.to_text()))
    } else {
        let text = new_passphrase(VARIABLE, "Passphrase for the backup: ")?;
        let secret = BackupSecret::Passphrase(&text);
        (cuba_vault::backup(store.vault(), &args.file, &secret, now, &mut progress)?, None)
    };
    let sealed = Sealed {
        file: args.file.display().to_string(),
        created: info.created,
        database_bytes: info.database_bytes,
        recovery_key: key.map(|k| k.to_string()),
    };
    answer(place, &sealed, |out| {
        writeln!(out, "sealed {} bytes into {}", sealed.database_bytes, sealed.file)?;
        if let Some(key) = &sealed.recovery_key {
            writeln!(out, "recovery key, write it down: {key}")?;
        }
        Ok(())
    })
}

pub(super) fn restore(place: &Place, args: &RestoreArgs) -> Outcome {
    let info = cuba_vault::inspect_backup(&args.file).map_err(|error| unreadable(&args.file, error))?;
    if place.database().exists() {
        confirm(args.yes, "replace the data that is here by the backup")?;
    }
    let mut progress = stoppable()?;
    let keys = crate::keys::present(&place.home)?;
    let text;
    let key;
    let secret = match (&args.recovery_key, info.by_passphrase) {
        (None, true) => {
            text = passphrase(VARIABLE, "Passphrase of the backup: ")?;
            BackupSecret::Passphrase(&text)
        }
        (Some(path), false) => {
            key = RecoveryKey::parse(&Zeroizing::new(super::files::read(path)?))?;
            BackupSecret::RecoveryKey(&key)
        }
        (None, false) => {
            return Err(Failure::new(Code::BadInput, "this backup was sealed with a recovery key")
                .hint("write the key into a file and give it with --recovery-key FILE"));
        }
        (Some(_), true) => {
            return Err(Failure::new(Code::BadInput, "this backup was sealed with a passphrase")
                .hint("leave --recovery-key out"));
        }
    };
    let options = place.options();
    let aside = cuba_vault::restore(
        &place.database(),
        keys.as_ref(),
        &SCHEMAS,
        &args.file,
        &secret,
        &options,
        &mut progress,
    )
    .map_err(|error| unreadable(&args.file, error))?;
    if let Some(aside) = &aside {
        screen::note(format_args!(
            "what was here could not be read and is kept at {}",
            aside.moved_to.display()
        ));
    }
    let done = serde_json::json!({
        "restored": info.created,
        "database_bytes": info.database_bytes,
        "set_aside": aside.map(|a| a.moved_to.display().to_string()),
    });
    answer(place, &done, |out| writeln!(out, "restored the backup of {}", info.created))
}

/// Faults of the backup's file name it, and say that nothing was changed.
fn unreadable(file: &Path, error: cuba_vault::VaultError) -> Failure {
    use cuba_vault::VaultError::{Damaged, KeyWrong, Other};
    let code = match error {
        Damaged { .. } => Code::Damaged,
        KeyWrong | Other { .. } => Code::BadInput,
        other => return other.into(),
    };
    Failure::new(code, format_args!("{}: {error}", file.display())).hint("nothing here was changed")
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The file to write; - for standard output
    file: PathBuf,
    /// Samples as CSV for spreadsheets, instead of the lossless format that `cuba health import` reads back
    #[arg(long)]
    csv: bool,
}

pub(super) fn export(place: &Place, args: &ExportArgs) -> Outcome {
    let store = place.store()?;
    let write = |mut out: &mut dyn std::io::Write| -> Outcome {
        if args.csv {
            store::export_csv(&store, &mut out)?;
        } else {
            store::export(&store, &mut out)?;
        }
        Ok(())
    };
    if args.file == Path::new("-") {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        write(&mut out)?;
        out.flush()?;
        return Ok(());
    }
    write_whole(&args.file, write)?;
    let bytes = std::fs::metadata(&args.file).map_or(0, |m| m.len());
    let done = serde_json::json!({ "file": args.file.display().to_string(), "bytes": bytes });
    answer(place, &done, |out| {
        writeln!(out, "wrote {bytes} bytes to {}, readable by you and not encrypted", args.file.display())
    })
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("scope").required(true).multiple(true).args(["all", "metric", "source", "from", "to"])))]
#[command(after_help = "Older backups and exports still hold what is deleted here.")]
pub(super) struct EraseArgs {
    /// Everything: the whole database with its key, habits, medication, the card
    #[arg(long, conflicts_with_all = ["metric", "source", "from", "to"])]
    all: bool,
    /// Of one metric
    #[arg(long)]
    metric: Option<String>,
    /// Of one source, by number, name or key
    #[arg(long)]
    source: Option<String>,
    /// From this day
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// To this day, itself included
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn erase(place: &Place, args: &EraseArgs) -> Outcome {
    if args.all {
        confirm(args.yes, "delete all health data for good")?;
        if !place.database().parent().is_some_and(Path::is_dir) {
            return answer(place, &serde_json::json!({ "erased": "all" }), |out| {
                writeln!(out, "there was nothing")
            });
        }
        cuba_vault::erase(&place.database())?;
        return answer(place, &serde_json::json!({ "erased": "all" }), |out| {
            writeln!(out, "everything is deleted")
        });
    }
    let store = place.store()?;
    let day = |text: &Option<String>| text.as_deref().map(|t| time::day(place, t)).transpose();
    let all = store.sources()?;
    let scope = Scope {
        metric: args.metric.as_deref().map(show::metric).transpose()?,
        source: args.source.as_deref().map(|s| sources::source(&all, s)).transpose()?,
        from: day(&args.from)?,
        to: day(&args.to)?,
    };
    let what = scope.metric.map_or("all records".to_owned(), |m: Metric| m.to_string());
    confirm(args.yes, &format!("delete {what} of that scope for good"))?;
    let deleted = store.delete(scope)?;
    let done = serde_json::json!({ "samples": deleted.samples, "records": deleted.records });
    answer(place, &done, |out| {
        writeln!(out, "deleted {} samples and {} records", deleted.samples, deleted.records)
    })
}

/// Asks on a terminal; elsewhere `--yes` is needed.
pub(super) fn confirm(yes: bool, what: &str) -> Outcome {
    if yes {
        return Ok(());
    }
    if !screen::is_interactive() {
        return Err(Failure::new(Code::BadInput, format_args!("this would {what}; nothing was changed"))
            .hint("add --yes if that is meant"));
    }
    let mut err = std::io::stderr().lock();
    write!(err, "This will {what}. Type yes to go on: ")?;
    err.flush()?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == "yes" { Ok(()) } else { Err(Failure::cancelled()) }
}
