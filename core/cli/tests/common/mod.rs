//! A throw-away home with a tiny trained model in it, and the real `cuba` binary.

#![allow(dead_code, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

pub(crate) mod disk;
pub(crate) mod health;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A home of its own for each test.
pub(crate) struct Home {
    dir: tempfile::TempDir,
}

/// What a finished command left behind.
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Home {
    /// Empty: nothing installed.
    pub(crate) fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With the tiny en-es model that the training pipeline's tests use. Its Spanish is poor; its arithmetic is real.
    pub(crate) fn with_model() -> Self {
        let home = Self::empty();
        let model = model_folder(home.dir.path());
        let done = home.cuba(&["packs", "add", model.to_str().unwrap(), "--from", "en", "--to", "es"], b"");
        assert_eq!(done.code, 0, "{}", done.err);
        home
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    /// A command line that reads nothing from the outside world.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cuba"));
        command.args(args).env_clear().env("CUBA_HOME", self.path()).env("PATH", "/usr/bin:/bin");
        command
    }

    /// Runs to the end with this on standard input.
    pub(crate) fn cuba(&self, args: &[&str], input: &[u8]) -> Done {
        run(self.command(args), input)
    }
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command, input: &[u8]) -> Done {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    // Written from a thread: a command may fill its output pipe before it has read all of its input.
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Done {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).expect("output is UTF-8"),
        err: String::from_utf8(stderr).expect("messages are UTF-8"),
    }
}

/// A folder in the layout of a downloaded Bergamot model.
pub(crate) fn model_folder(parent: &Path) -> PathBuf {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/training/fixtures");
    let folder = parent.join("enes");
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["model.enes.intgemm.alphas.bin", "vocab.enes.spm"] {
        std::fs::copy(fixtures.join(name), folder.join(name)).unwrap();
    }
    folder
}
