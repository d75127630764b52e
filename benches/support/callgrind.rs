//! Instructions of a server, counted by callgrind of valgrind, which runs it fifty times slower.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::process::Server;

/// A server that callgrind counts for.
pub struct Counted {
    pub server: Server,
    counts: PathBuf,
    _folder: tempfile::TempDir,
}

impl Counted {
    pub fn start(which: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let counts = folder.path().join("counts");
        let out = format!("--callgrind-out-file={}", counts.display());
        let server = Server::start_by(&["valgrind", "--quiet", "--tool=callgrind", &out], which, &[]);
        Self { server, counts, _folder: folder }
    }

    /// The instructions of all its threads while `work` was done.
    pub fn during(&self, work: impl FnOnce()) -> u64 {
        self.control("--zero");
        work();
        self.control("--dump");
        let dump = self.counts.with_extension("1");
        let text = fs::read_to_string(&dump).unwrap_or_else(|error| panic!("{}: {error}", dump.display()));
        let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
        totals.map(|count| count.trim().parse::<u64>().unwrap()).sum()
    }

    fn control(&self, what: &str) {
        let control = Command::new("callgrind_control").arg(what).arg(self.server.id().to_string()).output();
        let control = control.unwrap();
        assert!(control.status.success(), "callgrind_control {what}: {control:?}");
    }
}
