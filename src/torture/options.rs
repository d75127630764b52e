//! What can be asked of a run, and what that means in numbers.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::plan::Kind;

/// Runs real servers under faults, with clients that behave as they should, and judges what came
/// of it by what was promised. Exit code 0: all promises held; 1: one was broken; 2: could not run.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The seed of the schedule and of every client's choices; a random one when absent.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How long the clients chat, in seconds, the calm beginning included [default: 600].
    #[arg(long)]
    pub seconds: Option<u64>,
    /// Server processes [default: 3].
    #[arg(long)]
    pub pods: Option<usize>,
    /// Clients [default: 300].
    #[arg(long)]
    pub clients: Option<usize>,
    /// Rooms [default: 200].
    #[arg(long)]
    pub rooms: Option<usize>,
    /// Messages per second, of all clients together [default: 300].
    #[arg(long)]
    pub rate: Option<u64>,
    /// The kinds of faults, by comma; `all` or `none`.
    #[arg(long, default_value = "all")]
    pub faults: String,
    /// A small run of half a minute: 12 clients, 6 rooms, 60 messages per second.
    #[arg(long)]
    pub small: bool,
    /// Bounds of time are so many times as long: for a machine that is busy with other things
    /// [default: 1].
    #[arg(long)]
    pub patience: Option<u32>,
    /// Each fault that can last does so for so many seconds, and the database is away so long at a
    /// restart [default: up to 5, and no longer than it takes].
    #[arg(long)]
    pub lasting: Option<u64>,
    /// When all is healed, everybody goes on chatting for so many seconds [default: 0].
    #[arg(long)]
    pub after: Option<u64>,
    /// Keep the addresses of the processes in this file, as Prometheus reads it by
    /// `file_sd_configs`.
    #[arg(long, conflicts_with = "attach")]
    pub targets: Option<PathBuf>,
    /// Keep everything that was written down in this folder, also when all promises held.
    #[arg(long)]
    pub keep: Option<PathBuf>,
    /// Break the servers on purpose: the judge has to notice.
    #[arg(long, value_enum)]
    pub broken: Option<Broken>,
    /// `sqlite` runs one process without Redis.
    #[arg(long, value_enum, default_value_t = Store::Postgres)]
    pub store: Store,
    /// The server to run; this very program when absent.
    #[arg(long)]
    pub binary: Option<PathBuf>,
    /// Another release of it: a rollout exchanges the one for the other, so the first is an upgrade,
    /// the second goes back, and both work on one database in between.
    #[arg(long)]
    pub other: Option<PathBuf>,
    /// Start no servers: chat through those at this address, with what is between, such as
    /// `127.0.0.1:3000`. Their PostgreSQL is that of `DATABASE_URL`; rates have to be off.
    #[arg(long, requires = "command")]
    pub attach: Option<SocketAddr>,
    /// What happens to those servers after the calm, as a shell has it: it takes the place of
    /// faults, and of the time for them.
    #[arg(long, requires = "attach")]
    pub command: Option<String>,
}

/// Faults built in on purpose, each against one promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Broken {
    /// Numbers come from a counter outside the row lock: the log has holes (I2).
    Sequence,
    /// A failed attempt uses up its key (I3).
    BurntKey,
    /// The readers of the bus start from the newest entry instead of a remembered one (the calm
    /// doorbell).
    Dollar,
    /// The ack leaves before the commit (I1).
    EarlyAck,
    /// Nobody announces what was committed and not announced (I25).
    NoSweeper,
}

impl Broken {
    /// Its word in the servers' environment.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::BurntKey => "burnt-key",
            Self::Dollar => "dollar",
            Self::EarlyAck => "early-ack",
            Self::NoSweeper => "no-sweeper",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Store {
    Postgres,
    Sqlite,
}

/// The same in numbers, without gaps.
#[derive(Clone, Debug)]
pub struct Size {
    pub seed: u64,
    pub calm: Duration,
    pub faults_for: Duration,
    pub pods: usize,
    pub clients: usize,
    pub rooms: usize,
    pub rate: u64,
    pub kinds: Vec<Kind>,
    /// How long a fault lasts that can, instead of a time by chance.
    pub lasting: Option<Duration>,
    /// How long everybody goes on when all is healed.
    pub after: Duration,
    /// Whether the servers are somebody else's.
    pub attached: bool,
    /// Members of a room, beside slow readers.
    pub members: (usize, usize),
    /// What a server is given to end.
    pub drain: Duration,
    /// Bounds of time are so many times as long.
    pub patience: u32,
}

impl Size {
    /// Whether the run is one that has to come across everything.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let length = self.calm + self.faults_for;
        self.pods >= 3
            && self.clients >= 300
            && length >= Duration::from_secs(600)
            && self.kinds.len() == Kind::ALL.len()
            && self.patience == 1
            && self.lasting.is_none()
            && !self.attached
    }
}

impl Options {
    /// # Errors
    /// What does not fit together.
    pub fn size(&self, random: u64) -> Result<Size, String> {
        let or = |given: Option<usize>, small, full| given.unwrap_or(if self.small { small } else { full });
        let seconds = self.seconds.unwrap_or(if self.small { 20 } else { 600 });
        let (one, attached) = (self.store == Store::Sqlite, self.attach.is_some());
        let pods = self.pods.unwrap_or(if one || attached { 1 } else { 3 });
        let (clients, rooms) = (or(self.clients, 12, 300), or(self.rooms, 6, 200));
        let rate = self.rate.unwrap_or(if self.small { 60 } else { 300 });
        if one && pods != 1 {
            return Err("--store sqlite runs one process: --pods 1".to_owned());
        }
        let ours = one || pods != 1 || self.broken.is_some() || self.binary.is_some() || self.other.is_some();
        if attached && ours {
            return Err(
                "--attach starts no servers: no --store, --pods, --broken, --binary, --other".to_owned()
            );
        }
        if pods == 0 || clients < 2 || rooms == 0 || rate == 0 || seconds < 10 {
            return Err(
                "at least 10 seconds, 1 process, 2 clients, 1 room and 1 message per second".to_owned()
            );
        }
        let kinds = match self.faults.as_str() {
            "all" if !attached => Kind::ALL.to_vec(),
            "all" | "none" => Vec::new(),
            words => words.split(',').map(|word| word.trim().parse()).collect::<Result<_, _>>()?,
        };
        let without = |kind: &Kind| {
            !matches!(
                kind,
                Kind::Rollout
                    | Kind::RedisKill
                    | Kind::RedisFlush
                    | Kind::RedisTrim
                    | Kind::DatabaseRestart
                    | Kind::DatabaseCut
            )
        };
        let kinds = if one { kinds.into_iter().filter(without).collect() } else { kinds };
        let length = Duration::from_secs(seconds);
        let calm = match kinds.is_empty() && !attached {
            true => length,
            false => length.mul_f64(0.1).clamp(Duration::from_secs(4), Duration::from_secs(30)),
        };
        Ok(Size {
            seed: self.seed.unwrap_or(random),
            calm,
            faults_for: length - calm,
            pods,
            clients,
            rooms,
            rate,
            kinds,
            lasting: self.lasting.map(Duration::from_secs),
            after: Duration::from_secs(self.after.unwrap_or(0)),
            attached,
            members: (6.min(clients), 10.min(clients)),
            drain: Duration::from_secs(if self.small { 2 } else { 6 }),
            patience: self.patience.unwrap_or(1).clamp(1, 100),
        })
    }
}

/// `docs/reference/torture.md`.
#[cfg(test)]
fn reference() -> String {
    let command = Options::augment_args(clap::Command::new("torture"));
    let mut page = "# chat torture

Written from the code in `src/torture/`; `UPDATE_DOCS=1 cargo test --all-features torture` writes it again.
How to run it and how to read what it says: [Run the torture test](../how-to/torture.md).

Exit codes: 0, every promise held; 1, one was broken; 2, it could not run.

## Options

| Option | Meaning |
|---|---|
"
    .to_owned();
    for argument in command.get_arguments() {
        let long = argument.get_long().unwrap_or_default();
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        page.push_str(&format!("| `--{long}` | {help} |\n"));
    }
    page.push_str("\n## Faults\n\n| Word | What |\n|---|---|\n");
    for kind in Kind::ALL {
        page.push_str(&format!("| `{}` | {} |\n", kind.word(), kind.doc()));
    }
    page.push_str("\n## Servers broken on purpose\n\n| Word | What |\n|---|---|\n");
    for broken in Broken::value_variants() {
        let value = broken.to_possible_value();
        let help = value.as_ref().and_then(clap::builder::PossibleValue::get_help);
        let help = help.map(ToString::to_string).unwrap_or_default();
        page.push_str(&format!("| `{}` | {help} |\n", broken.word()));
    }
    page
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_reference_page_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/torture.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, reference()).expect("written");
        }
        let kept = std::fs::read_to_string(path).unwrap_or_default();
        assert!(kept == reference(), "torture.md is out of date: UPDATE_DOCS=1 cargo test torture");
    }

    #[test]
    fn words_are_the_same_on_the_command_line_and_in_the_servers() {
        for broken in Broken::value_variants() {
            assert_eq!(broken.to_possible_value().expect("shown").get_name(), broken.word());
        }
    }

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn size(words: &[&str]) -> Result<Size, String> {
        let line = Line::try_parse_from(std::iter::once(&"torture").chain(words)).expect("options");
        line.options.size(7)
    }

    #[test]
    fn without_options_it_is_the_long_run() {
        let size = size(&[]).expect("sensible");
        assert_eq!((size.seed, size.pods, size.clients, size.rooms, size.rate), (7, 3, 300, 200, 300));
        assert!(size.is_full());
        assert_eq!(size.calm + size.faults_for, Duration::from_secs(600));
        assert_eq!(size.kinds.len(), Kind::ALL.len());
    }

    #[test]
    fn small_is_smaller_and_single_options_win() {
        let size = size(&["--small", "--clients", "20", "--seed", "3"]).expect("sensible");
        assert_eq!((size.seed, size.clients, size.rooms, size.rate), (3, 20, 6, 60));
    }

    #[test]
    fn servers_that_are_somebody_elses_suffer_the_command_alone() {
        let size = size(&["--attach", "127.0.0.1:3000", "--command", "true"]).expect("sensible");
        assert!(size.attached && size.pods == 1 && size.kinds.is_empty() && !size.is_full());
        assert_eq!((size.calm, size.faults_for), (Duration::from_secs(30), Duration::from_secs(570)));
    }

    #[test]
    fn a_single_process_has_no_faults_of_what_it_does_not_have() {
        let size = size(&["--store", "sqlite"]).expect("sensible");
        assert_eq!(size.pods, 1);
        assert!(!size.kinds.contains(&Kind::RedisKill) && size.kinds.contains(&Kind::Kill));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(size(&["--store", "sqlite", "--pods", "3"]).is_err());
        assert_eq!(size(&["--faults", "none"]).expect("all calm").faults_for, Duration::ZERO);
        assert!(size(&["--faults", "kill,flood"]).is_err());
        assert!(size(&["--seconds", "1"]).is_err());
        assert!(size(&["--attach", "127.0.0.1:3000", "--command", "true", "--pods", "3"]).is_err());
        assert_eq!(
            size(&["--faults", "kill, redis-trim"]).expect("known").kinds,
            [Kind::Kill, Kind::RedisTrim]
        );
    }
}
