//! The signals on files: `pulse --rgb FILE`, `hrv --rr FILE`, `stage --hr FILE [--motion FILE] [--start ISO]`, `sleepwake --counts FILE [--epoch S]`.
//! Prints JSON (one object), or for `stage` the table `epoch,stage,p_wake,p_light,p_deep,p_rem`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use cuba_signals::{commands, files};
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| args.iter().position(|a| a == name).and_then(|i| args.get(i + 1));
    let read = |name: &str| -> Result<String, Box<dyn std::error::Error>> {
        let path = option(name).ok_or(format!("{name} FILE is needed"))?;
        Ok(std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?)
    };
    Ok(match args.first().map(String::as_str) {
        Some("pulse") => serde_json::to_string_pretty(&commands::pulse(&files::rgb(&read("--rgb")?)?))?,
        Some("hrv") => serde_json::to_string_pretty(&commands::hrv(&files::rr(&read("--rr")?)?)?)?,
        Some("stage") => {
            let hr = files::heart_rate(&read("--hr")?)?;
            let motion = option("--motion").map(|_| read("--motion")).transpose()?;
            commands::stage(&hr, motion.as_deref(), option("--start").is_some())?.csv()
        }
        Some("sleepwake") => {
            let f = files::counts(&read("--counts")?)?;
            let epoch = option("--epoch").map(|e| e.parse()).transpose()?;
            serde_json::to_string(&commands::sleep_wake(&f, epoch)?)?
        }
        _ => {
            return Err("pulse --rgb FILE | hrv --rr FILE | stage --hr FILE | sleepwake --counts FILE".into());
        }
    })
}
