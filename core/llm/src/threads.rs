//! How many threads to compute with: the big cores and no others.
//!
//! Every thread does an equal share of each matrix product and all wait for the last, so on big.LITTLE processors one
//! slow core makes every step as slow as itself.

use std::fs;
use std::path::Path;

/// What is known of one core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Core {
    /// Relative speed: `cpu_capacity` (0 to 1024), else the highest frequency in kHz, else 0.
    pub speed: u64,
    /// Which physical core it belongs to; two hyper-threads share one.
    pub physical: (u64, u64),
}

/// Threads for the cores of one machine: all physical cores at least 60 % as fast as the fastest, at least 1, at most
/// 8 (memory bandwidth is the limit by then).
///
/// ```
/// use cuba_llm::threads::{Core, count};
/// let core = |speed, id| Core { speed, physical: (0, id) };
/// // A phone with four A76 and four A55:
/// let phone: Vec<Core> = (0..8).map(|i| core(if i < 4 { 1024 } else { 325 }, i)).collect();
/// assert_eq!(count(&phone), 4);
/// ```
pub fn count(cores: &[Core]) -> usize {
    let fastest = cores.iter().map(|c| c.speed).max().unwrap_or(0);
    let mut big: Vec<(u64, u64)> =
        cores.iter().filter(|c| c.speed * 10 >= fastest * 6).map(|c| c.physical).collect();
    big.sort_unstable();
    big.dedup();
    big.len().clamp(1, 8)
}

/// The cores described by a `/sys/devices/system/cpu` folder, those in `allowed` only when it is given.
pub fn read(folder: &Path, allowed: Option<&[usize]>) -> Vec<Core> {
    let number = |path: std::path::PathBuf| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let online = fs::read_to_string(folder.join("online")).ok();
    let ids: Vec<usize> = match &online {
        Some(list) => parse_list(list),
        None => (0..256).take_while(|n| folder.join(format!("cpu{n}")).is_dir()).collect(),
    };
    let mut cores = Vec::new();
    for id in ids {
        if allowed.is_some_and(|a| !a.contains(&id)) {
            continue;
        }
        let cpu = folder.join(format!("cpu{id}"));
        let speed = number(cpu.join("cpu_capacity"))
            .or_else(|| number(cpu.join("cpufreq/cpuinfo_max_freq")))
            .unwrap_or(0);
        let package = number(cpu.join("topology/physical_package_id")).unwrap_or(0);
        let physical =
            number(cpu.join("topology/core_id")).map_or((u64::MAX, id as u64), |core| (package, core));
        // ARM kernels number cores within a cluster; the cluster then tells them apart.
        let physical = match number(cpu.join("topology/cluster_id")) {
            Some(cluster) if cluster != u64::MAX => (package << 32 | cluster, physical.1),
            _ => physical,
        };
        cores.push(Core { speed, physical });
    }
    cores
}

/// Cores in the kernel's list notation, as `0-3,6`.
pub fn parse_list(list: &str) -> Vec<usize> {
    let mut ids = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) {
            ids.extend((first..=last).take(1024));
        }
    }
    ids
}

/// Threads for the machine this runs on, as far as it lets the process use it.
pub fn for_this_device() -> usize {
    let parallel = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let allowed = fs::read_to_string("/proc/self/status").ok().and_then(|status| {
        let line = status.lines().find_map(|l| l.strip_prefix("Cpus_allowed_list:"))?;
        Some(parse_list(line))
    });
    let cores = read(Path::new("/sys/devices/system/cpu"), allowed.as_deref());
    if cores.is_empty() { parallel.clamp(1, 8) } else { count(&cores).min(parallel) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// Writes a folder like the kernel's: `(capacity, max_freq, package, cluster, core)` a core.
    type Row = (Option<u64>, Option<u64>, u64, Option<u64>, u64);

    fn sys(rows: &[Row]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().to_owned();
        for (id, (capacity, freq, package, cluster, core)) in rows.iter().enumerate() {
            let cpu = root.join(format!("cpu{id}"));
            fs::create_dir_all(cpu.join("topology")).unwrap();
            fs::create_dir_all(cpu.join("cpufreq")).unwrap();
            let put = |name: &str, v: u64| fs::write(cpu.join(name), format!("{v}\n")).unwrap();
            if let Some(v) = capacity {
                put("cpu_capacity", *v);
            }
            if let Some(v) = freq {
                put("cpufreq/cpuinfo_max_freq", *v);
            }
            if let Some(v) = cluster {
                put("topology/cluster_id", *v);
            }
            put("topology/physical_package_id", *package);
            put("topology/core_id", *core);
        }
        fs::write(root.join("online"), format!("0-{}\n", rows.len() - 1)).unwrap();
        (dir, root)
    }

    #[test]
    fn four_equal_a53() {
        let (_dir, root) = sys(&[
            (None, Some(1_300_000), 0, None, 0),
            (None, Some(1_300_000), 0, None, 1),
            (None, Some(1_300_000), 0, None, 2),
            (None, Some(1_300_000), 0, None, 3),
        ]);
        assert_eq!(count(&read(&root, None)), 4);
    }

    #[test]
    fn one_prime_three_big_four_little() {
        let mut rows = vec![(Some(1024), Some(2_840_000), 0, Some(0), 0)];
        rows.extend((0..3).map(|c| (Some(871), Some(2_420_000), 0, Some(1), c)));
        rows.extend((0..4).map(|c| (Some(290), Some(1_800_000), 0, Some(2), c)));
        let (_dir, root) = sys(&rows);
        assert_eq!(count(&read(&root, None)), 4);
        // Android puts background work on the little cores: then those are what there is.
        assert_eq!(count(&read(&root, Some(&[4, 5, 6, 7]))), 4);
    }

    #[test]
    fn hyper_threads_count_once() {
        let (_dir, root) = sys(&[
            (None, None, 0, None, 0),
            (None, None, 0, None, 0),
            (None, None, 0, None, 1),
            (None, None, 0, None, 1),
        ]);
        assert_eq!(count(&read(&root, None)), 2);
    }

    #[test]
    fn a_core_taken_offline_is_left_out() {
        let (_dir, root) = sys(&[(Some(1024), None, 0, None, 0), (Some(1024), None, 0, None, 1)]);
        fs::write(root.join("online"), "0\n").unwrap();
        assert_eq!(count(&read(&root, None)), 1);
    }

    #[test]
    fn nothing_known_is_one_thread() {
        assert_eq!(count(&[]), 1);
        assert_eq!(parse_list("0-2,5,x,7-"), [0, 1, 2, 5]);
    }

    #[test]
    fn this_machine_has_at_least_one() {
        assert!((1..=8).contains(&for_this_device()));
    }
}
