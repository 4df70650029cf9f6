//! What the device can give: asked before a download and before a load, so that the answer is a number instead of a crash.

use std::io;
use std::path::Path;

/// Memory and disk of the device. A trait so that a phone's shell can answer from its own system calls, and a test with
/// any figures.
pub trait Device: Send + Sync {
    /// Bytes of memory a new model may take without pushing other programs out; `None` where the system does not say
    /// (nothing is refused then).
    fn memory_available(&self) -> Option<u64>;

    /// Bytes this user may still write to the disk that holds `path`, which exists.
    fn disk_free(&self, path: &Path) -> io::Result<u64>;
}

/// The device this program runs on.
///
/// Memory is `MemAvailable` of `/proc/meminfo` (Linux, Android): the kernel's own estimate, page cache that can be dropped
/// included. Other systems give `None`; an app there passes its own [`Device`].
///
/// ```
/// use cuba_packs::{Device, ThisDevice};
/// assert!(ThisDevice.disk_free(&std::env::temp_dir()).unwrap() > 0);
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisDevice;

impl Device for ThisDevice {
    fn memory_available(&self) -> Option<u64> {
        parse_mem_available(&std::fs::read_to_string("/proc/meminfo").ok()?)
    }

    fn disk_free(&self, path: &Path) -> io::Result<u64> {
        fs4::available_space(path)
    }
}

/// `MemAvailable:   22576000 kB` (proc(5)) in bytes.
fn parse_mem_available(meminfo: &str) -> Option<u64> {
    let rest = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mem_available() {
        let text = "MemTotal:       2048000 kB\nMemFree:          10000 kB\nMemAvailable:     512000 kB\n";
        assert_eq!(parse_mem_available(text), Some(512_000 * 1024));
        assert_eq!(parse_mem_available("MemTotal: 1 kB\n"), None);
        assert_eq!(parse_mem_available("MemAvailable: lots kB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_device_answers() {
        assert!(ThisDevice.memory_available().unwrap() > 1 << 20);
    }
}
