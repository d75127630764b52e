//! The sub-command: runs, judges, reports, and leaves the proof where somebody can read it.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::options::{Options, Size};
use super::process::log_line;
use super::{judge, report, run};

/// The exit code of a run that proved nothing.
const COULD_NOT_RUN: u8 = 2;

/// Does what `chat torture` does. `random` becomes the seed when none is given.
#[must_use]
pub fn main(options: &Options, random: u64) -> ExitCode {
    let outcome = options.size(random).and_then(|size| {
        let folder = run::folder_of(options, size.seed)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let held = runtime.block_on(until_told(options, &size, &folder));
        // Whoever still runs is killed with its handle.
        runtime.shutdown_timeout(std::time::Duration::from_secs(2));
        let held = held?;
        if held && options.keep.is_none() {
            let _stays = std::fs::remove_dir_all(&folder);
        } else {
            log_line(&format!("everything is in {}", folder.display()));
        }
        Ok(held)
    });
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            log_line(&error);
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

/// Runs, unless somebody says that it is enough: then everything that was started ends too.
async fn until_told(options: &Options, size: &Size, folder: &Path) -> Result<bool, String> {
    let wrong = |error: std::io::Error| format!("signals: {error}");
    let mut term = signal(SignalKind::terminate()).map_err(wrong)?;
    let mut int = signal(SignalKind::interrupt()).map_err(wrong)?;
    tokio::select! {
        held = whole(options, size, folder) => held,
        _ = term.recv() => Err("told to stop".to_owned()),
        _ = int.recv() => Err("told to stop".to_owned()),
    }
}

async fn whole(options: &Options, size: &Size, folder: &Path) -> Result<bool, String> {
    log_line(&format!("seed {}; everything is written to {}", size.seed, folder.display()));
    let history = run::run(options, size, folder).await?;
    let mut verdict = judge::judge(&history);
    if size.is_full() {
        judge::demand_everything(&history, &mut verdict);
    }
    let text = report::report(&history, &verdict, size, folder);
    std::fs::write(folder.join("report.txt"), &text).map_err(|error| error.to_string())?;
    // Who closed the output has the exit code.
    let _closed = std::io::stdout().write_all(text.as_bytes());
    Ok(verdict.holds())
}
