//! Where packs lie unless somebody says otherwise.

use std::ffi::OsString;
use std::path::PathBuf;

/// The platform's data directory for Cuba: `CUBA_HOME` if set, else `$XDG_DATA_HOME/cuba` or `~/.local/share/cuba` (Linux),
/// `~/Library/Application Support/Cuba` (macOS), `%LOCALAPPDATA%\Cuba` (Windows). `None` where the environment names no home.
/// The environment is passed in; on phones the app passes its own directory and this is not asked.
///
/// ```
/// use cuba_packs::default_home;
/// let home = default_home(|name| (name == "CUBA_HOME").then(|| "/sd/cuba".into()));
/// assert_eq!(home.unwrap(), std::path::Path::new("/sd/cuba"));
/// ```
pub fn default_home(env: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let directory = |name: &str| env(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = directory("CUBA_HOME") {
        return Some(home);
    }
    if cfg!(windows) {
        return directory("LOCALAPPDATA").map(|base| base.join("Cuba"));
    }
    if cfg!(target_os = "macos") {
        return directory("HOME").map(|home| home.join("Library/Application Support/Cuba"));
    }
    // The XDG specification says to ignore relative paths.
    let xdg = directory("XDG_DATA_HOME").filter(|path| path.is_absolute());
    xdg.or_else(|| directory("HOME").map(|home| home.join(".local/share"))).map(|base| base.join("cuba"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn order_of_precedence() {
        let home = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
            default_home(move |name| set.iter().find(|(n, _)| n == name).map(|(_, v)| v.into()))
        };
        assert_eq!(home(&[]), None);
        assert_eq!(home(&[("HOME", "/h")]).unwrap(), PathBuf::from("/h/.local/share/cuba"));
        assert_eq!(home(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]).unwrap(), PathBuf::from("/x/cuba"));
        assert_eq!(
            home(&[("HOME", "/h"), ("XDG_DATA_HOME", "x")]).unwrap(),
            PathBuf::from("/h/.local/share/cuba")
        );
        assert_eq!(
            home(&[("HOME", "/h"), ("CUBA_HOME", "")]).unwrap(),
            PathBuf::from("/h/.local/share/cuba")
        );
    }
}
