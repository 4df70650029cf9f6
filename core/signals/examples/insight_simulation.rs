//! False alarms and power of the insights: `cargo run --release -p cuba-signals --example insight_simulation [-- --users N]`.
//! 6 habits x 3 outcomes x 3 lags; a user without effect should almost never see an insight.
#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a measuring tool, not the product"
)]

mod eval {
    pub(crate) mod simulated_users;
}

use eval::simulated_users::{World, share};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let users = args
        .iter()
        .position(|a| a == "--users")
        .and_then(|i| args.get(i + 1))
        .map_or(500, |v| v.parse().expect("a number"));
    println!("Users who see any insight although there is nothing ({users} users a cell):");
    println!("days  memory 0.0  memory 0.4  memory 0.7");
    for days in [60, 90, 120] {
        let cells: Vec<String> = [0.0, 0.4, 0.7]
            .iter()
            .map(|&memory| {
                format!("{:9.1} %", 100.0 * share(World { days, memory, effect: 0.0 }, users, days as u64).0)
            })
            .collect();
        println!("{days:4} {}", cells.join(" "));
    }
    println!("\nUsers with one true effect (lag 1, memory 0.4) who are told it:");
    println!("days  effect 0.4 sd  0.6 sd  0.8 sd  1.0 sd  1.5 sd");
    for days in [60, 90, 120, 180] {
        let cells: Vec<String> = [0.4, 0.6, 0.8, 1.0, 1.5]
            .iter()
            .map(|&effect| {
                format!("{:6.0} %", 100.0 * share(World { days, memory: 0.4, effect }, users / 2, 9).1)
            })
            .collect();
        println!("{days:4}       {}", cells.join(""));
    }
}
