//! Memory and speed of real sockets, against a stated baseline in the same run.
//!
//! `cargo bench --bench sockets` starts the server in a process of its own (and, in turn with it,
//! the baseline: the bare actix-web-actors broadcast that every tutorial shows, without storage),
//! drives it over loopback, and prints what the *server's* process spent: resident memory per idle
//! socket, and CPU per delivered message when paced and with eight messages outstanding. Ratios are
//! the figures to compare; absolute times depend on the machine.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench says what is wrong by panicking"
)]

mod support;

use std::time::Duration;

use support::callgrind::Counted;
use support::client::{Crowd, Load};
use support::process::Server;

/// Sockets of the memory figure, and the rooms that they are spread over.
const IDLE: usize = 5_000;
const IDLE_ROOMS: usize = 100;
/// Readers of the room of the speed figures.
const READERS: usize = 1_000;
const REPETITIONS: usize = 3;
/// Readers of a room, and messages to it, whose instructions are counted.
const COUNTED: [(usize, usize); 2] = [(10, 200), (200, 50)];

fn main() {
    if let Some(which) = std::env::var_os(support::process::ROLE) {
        return support::process::serve(&which.to_string_lossy());
    }
    // `cargo test --benches` and `cargo bench -- --list` only want to know that it starts.
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return;
    }
    let only = std::env::args().nth(1).filter(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| only.as_deref().is_none_or(|only| name.contains(only));
    if wanted("memory") {
        memory();
    }
    if wanted("fanout") {
        fan_out();
    }
    // Only for who asks: it needs valgrind, and says nothing without its counterpart.
    if only.as_deref() == Some("instructions") {
        instructions();
    }
}

fn memory() {
    let server = Server::start("chat");
    let before = server.resident();
    let crowd = Crowd::of_chat(&server, IDLE, IDLE_ROOMS);
    crowd.settle(Duration::from_secs(15));
    let after = server.resident();
    let each = (after - before) as f64 / IDLE as f64 / 1024.0;
    println!("memory: {IDLE} idle authenticated sockets, each live in one of {IDLE_ROOMS} rooms");
    println!(
        "  resident {:.1} MiB -> {:.1} MiB: {each:.2} KiB per socket (bound 16)",
        mib(before),
        mib(after)
    );
}

/// What a delivery costs the server outside the kernel. `.ci/costs.sh` compares it with a build that
/// counts nothing.
fn instructions() {
    for (readers, messages) in COUNTED {
        let counted = Counted::start("chat");
        let crowd = Crowd::of_chat(&counted.server, readers, 1);
        let load = |messages| Load::Outstanding { window: 1, messages };
        crowd.run(load(messages));
        let all = counted.during(|| {
            crowd.run(load(messages));
        });
        println!("readers {readers} instructions {}", all / (readers * messages) as u64);
    }
}

fn mib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

/// Microseconds of server CPU per delivery, in user and in kernel mode, and deliveries per second
/// of wall time.
#[derive(Clone, Copy)]
struct Cost {
    user: f64,
    system: f64,
    rate: f64,
}

impl Cost {
    fn cpu(self) -> f64 {
        self.user + self.system
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { user, system, rate } = self;
        write!(f, "{:.2} us ({user:.2} user, {system:.2} system; {:.0}k/s)", self.cpu(), rate / 1_000.0)
    }
}

fn fan_out() {
    println!(
        "fan-out: a room of {READERS} sockets on two workers, the same bytes per frame for both servers"
    );
    for (name, load, bound) in [
        ("paced, 40 messages/s", Load::Paced { per_second: 40, seconds: 8 }, 1.3),
        ("8 outstanding", Load::Outstanding { window: 8, messages: 3_000 }, 0.8),
    ] {
        let mut ratios = Vec::new();
        for _ in 0..REPETITIONS {
            let (chat, bare) = (measure("chat", load), measure("bare", load));
            let ratio = chat.cpu() / bare.cpu();
            println!("  {name}: chat {chat}, bare broadcast {bare}, ratio {ratio:.2}");
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!("  {name}: median ratio {:.2} (bound {bound})", ratios[REPETITIONS / 2]);
    }
}

fn measure(which: &str, load: Load) -> Cost {
    let server = Server::start(which);
    let crowd = match which {
        "chat" => Crowd::of_chat(&server, READERS, 1),
        _ => Crowd::of_bare(&server, READERS),
    };
    crowd.settle(Duration::from_millis(500));
    let before = server.cpu();
    let (deliveries, wall) = crowd.run(load);
    let after = server.cpu();
    let each = |time: Duration| time.as_secs_f64() * 1e6 / deliveries as f64;
    Cost {
        user: each(after.0 - before.0),
        system: each(after.1 - before.1),
        rate: deliveries as f64 / wall.as_secs_f64(),
    }
}
