//! Where the processes are, for a Prometheus that looks at them.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::json;

/// A file in the form of `file_sd_configs`, written anew with every change; nothing where nobody
/// asked for one. A process that was killed stays in it, as a pod does whose container comes again; one
/// that is told to end is taken out first, as Prometheus takes up to five seconds to notice.
#[derive(Clone)]
pub struct Targets {
    file: Option<PathBuf>,
    pods: Arc<Mutex<BTreeMap<SocketAddr, usize>>>,
}

impl Targets {
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, pods: Arc::default() }
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn add(&self, pod: usize, address: SocketAddr) -> io::Result<()> {
        self.change(|pods| pods.insert(address, pod) != Some(pod))
    }

    /// # Errors
    /// When the file cannot be written.
    pub fn remove(&self, address: SocketAddr) -> io::Result<()> {
        self.change(|pods| pods.remove(&address).is_some())
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<SocketAddr, usize>) -> bool) -> io::Result<()> {
        // Whole at every moment, whoever panicked while he had it.
        let mut pods = self.pods.lock().unwrap_or_else(PoisonError::into_inner);
        let (true, Some(file)) = (change(&mut pods), &self.file) else { return Ok(()) };
        let groups: Vec<_> = pods
            .iter()
            .map(|(address, pod)| {
                let labels =
                    json!({ "namespace": "chat", "app": "chat-backend", "pod": format!("chat-backend-{pod}") });
                json!({ "targets": [address.to_string()], "labels": labels })
            })
            .collect();
        // Who reads it finds the old one or the new one.
        let part = file.with_extension("part");
        std::fs::write(&part, serde_json::Value::from(groups).to_string())?;
        std::fs::rename(part, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_holds_who_was_added_until_he_is_removed() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("targets.json");
        let targets = Targets::new(Some(file.clone()));
        let [one, two] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        targets.add(0, one).expect("written");
        targets.add(1, two).expect("written");
        targets.remove(one).expect("written");
        let kept: serde_json::Value =
            serde_json::from_slice(&std::fs::read(&file).expect("there")).expect("JSON");
        assert_eq!(kept[0]["targets"], json!(["127.0.0.1:2"]));
        assert_eq!(kept[0]["labels"]["pod"], "chat-backend-1");
        assert_eq!(kept.as_array().map(Vec::len), Some(1));
        Targets::new(None).add(0, one).expect("nothing to write");
    }
}
