//! The command line's shape: names, flags and their help, nothing that runs.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use cuba_translate::LanguageCode;

/// Exit codes, shown by `cuba --help` and in the man page.
pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    something failed; the message says what to do
  2    the command line is wrong
  3    a model pack that this needs is not installed
  4    the input cannot be used (not UTF-8, language unknown, broken file)
  5    too little memory or disk
  6    a file is damaged or was tampered with
  130  cancelled";

/// Private translation and health that run wholly on this device.
#[derive(Debug, Parser)]
#[command(name = "cuba", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    /// Where packs, keys and the encrypted database live [default: the platform's data directory]
    #[arg(long, global = true, env = "CUBA_HOME", value_name = "DIR", hide_env_values = true)]
    pub(crate) home: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Translate text, or standard input line by line
    Translate(TranslateArgs),
    /// Say which language a text is in, or that it is not sure
    Detect(DetectArgs),
    /// List the directions that can be translated now, and those a pack would add
    Languages(JsonArgs),
    /// List, fetch, add, check and remove model packs
    Packs(crate::packs::PacksArgs),
    /// Teach an installed translation pack your own translations, on this device
    #[cfg(feature = "train")]
    Train(crate::train::TrainArgs),
    /// Show where things are, what is installed and how the keys are kept
    Status(JsonArgs),
    /// Show where the key of the encrypted database is kept, or keep it elsewhere
    #[cfg(feature = "health")]
    Keys(crate::keys::KeysArgs),
    /// Import, look at and export health data; it never leaves this device
    #[cfg(feature = "health")]
    Health(crate::health::HealthArgs),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a directory
    Man {
        /// An existing directory
        dir: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DetectArgs {
    /// The text; without it standard input is read
    pub(crate) text: Option<String>,
    /// Consider only these languages, comma-separated [default: the installed ones]
    #[arg(long, value_delimiter = ',', value_name = "LANGS")]
    pub(crate) among: Vec<LanguageCode>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineChoice {
    /// The neural engine where a pack serves the pair, else a language model
    Auto,
    /// Only the neural engine
    Nmt,
    /// Only a language model: slower, other strengths
    Llm,
}

impl From<EngineChoice> for cuba_translate::engine::EngineChoice {
    fn from(choice: EngineChoice) -> Self {
        match choice {
            EngineChoice::Auto => Self::Auto,
            EngineChoice::Nmt => Self::Nmt,
            EngineChoice::Llm => Self::Llm,
        }
    }
}

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[command(after_help = "\
Standard input is translated line by line in order; an empty line stays an empty line.
Text is given as UTF-8. Without --from the language is detected among the installed ones.")]
pub(crate) struct TranslateArgs {
    /// The text; without it standard input is read
    pub(crate) text: Option<String>,
    /// Language of the text, such as en or es
    #[arg(long, short, value_name = "LANG")]
    pub(crate) from: Option<LanguageCode>,
    /// Language to translate into
    #[arg(long, short, value_name = "LANG")]
    pub(crate) to: LanguageCode,
    /// Which engine translates
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    pub(crate) engine: EngineChoice,
    /// Use this installed pack (its id, or a part that names it), not the one that would be chosen
    #[arg(long, value_name = "ID")]
    pub(crate) pack: Option<String>,
    /// Beam width, 1 (greedy) to 6 [default: what the pack asks for]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=6))]
    pub(crate) beam: Option<u8>,
    /// Threads [default: the number of fast cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Print one JSON object a line: source, target, engine, confidence, reasons, timings
    #[arg(long)]
    pub(crate) json: bool,
    /// Fetch the pack this pair needs if none is installed (shows size and licence first)
    #[arg(long)]
    pub(crate) get: bool,
    /// Accept the licence of a pack that has to be fetched
    #[arg(long, requires = "get")]
    pub(crate) accept_licence: bool,
    /// Say which engine and packs would be used, and stop
    #[arg(long)]
    pub(crate) plan: bool,
}
