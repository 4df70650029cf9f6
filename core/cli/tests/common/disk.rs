//! A file system of a chosen size, to fill it.

#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]
#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A file system in memory, gone at the end.
pub struct Disk(PathBuf);

impl Disk {
    /// `None` where mounting is not allowed.
    pub fn mount(at: &Path, bytes: u64) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
            .arg(at)
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success());
        mounted.then(|| Self(at.to_owned()))
    }

    pub fn resize(&self, bytes: u64) {
        let mut command = Command::new("mount");
        command.args(["-o", &format!("remount,size={bytes}")]).arg(&self.0);
        assert!(command.status().unwrap().success());
    }

    pub fn used(&self) -> u64 {
        let out = Command::new("df").args(["-B1", "--output=used"]).arg(&self.0).output().unwrap();
        String::from_utf8(out.stdout).unwrap().lines().nth(1).unwrap().trim().parse().unwrap()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
