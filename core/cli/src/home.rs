//! Where this user's packs, keys and database live.

use std::path::{Path, PathBuf};

use crate::exit::{Code, Failure};

/// The directory under which everything of Cuba's lives: the flag or `CUBA_HOME` if given, else the platform's place
/// for application data.
pub(crate) fn locate(given: Option<&Path>) -> Result<PathBuf, Failure> {
    if let Some(dir) = given {
        return Ok(dir.to_path_buf());
    }
    cuba_packs::default_home(|name| std::env::var_os(name)).ok_or_else(|| {
        Failure::new(Code::Failed, "this account has no home directory to keep Cuba's data in")
            .hint("set CUBA_HOME to a directory of your own")
    })
}

/// The encrypted database under a home.
#[cfg(feature = "health")]
pub(crate) fn database(home: &Path) -> PathBuf {
    home.join("vault").join("cuba.db")
}
