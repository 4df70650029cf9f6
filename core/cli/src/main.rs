//! `cuba`: the command line over Cuba's crates.
//!
//! It reads arguments, shows progress and prints results; it must not hold logic that an app would need too: that belongs
//! to the feature crates, where the bindings reach it. Results go to standard output, everything else to standard error,
//! so that a pipe carries only translations.

mod args;
mod detect;
mod engines;
mod exit;
#[cfg(feature = "health")]
mod health;
mod home;
mod interrupt;
#[cfg(feature = "health")]
mod keys;
mod languages;
mod lines;
mod packs;
mod record;
mod screen;
mod status;
#[cfg(feature = "train")]
mod train;
mod translate;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use args::{Cli, Command};
use exit::{Code, Failure, Outcome};

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            screen::failure(&failure);
            ExitCode::from(failure.code as u8)
        }
    }
}

fn run(cli: &Cli) -> Outcome {
    let home = home::locate(cli.home.as_deref())?;
    match &cli.command {
        Command::Translate(args) => translate::run(&home, args),
        Command::Detect(args) => detect::run(&home, args),
        Command::Languages(args) => languages::run(&home, args),
        Command::Packs(args) => packs::run(&home, args),
        #[cfg(feature = "train")]
        Command::Train(args) => train::run(&home, args),
        #[cfg(feature = "health")]
        Command::Keys(args) => keys::run(&home, args),
        Command::Status(args) => status::run(&home, args),
        #[cfg(feature = "health")]
        Command::Health(args) => health::run(&home, args),
        Command::Completions { shell } => completions(*shell),
        Command::Man { dir } => man_pages(dir),
    }
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    // Generated into memory first: the generator panics on a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "cuba", &mut script);
    std::io::stdout().write_all(&script)?;
    Ok(())
}

fn man_pages(dir: &std::path::Path) -> Outcome {
    clap_mangen::generate_to(Cli::command(), dir).map_err(|error| {
        Failure::new(Code::Failed, format_args!("cannot write manual pages to {}: {error}", dir.display()))
            .hint("give an existing directory that you may write to")
    })
}
