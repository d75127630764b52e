//! ClamAV's daemon: every upload is shown to it, where one is set (`INSTREAM` of clamd(8)). What it
//! does not answer for is not taken.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Bytes sent at once.
const PART: usize = 64 * 1024;
/// The longest answer that is read.
const ANSWER: u64 = 4_096;

/// Where clamd listens.
#[derive(Clone, Debug)]
pub struct Clamd {
    /// `host:port`.
    pub address: String,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Clean,
    /// With the name of what was found.
    Infected(String),
}

/// It did not say; the text is for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Silent(pub String);

impl fmt::Display for Silent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "clamd: {}", self.0)
    }
}

impl Clamd {
    /// Shows it all of a file.
    ///
    /// # Errors
    /// When it cannot be reached, answers late, or not as it should.
    pub async fn scan(&self, bytes: &Bytes) -> Result<Verdict, Silent> {
        match tokio::time::timeout(self.timeout, self.ask(bytes)).await {
            Ok(Ok(answer)) => verdict(&answer),
            Ok(Err(error)) => Err(Silent(error.to_string())),
            Err(_) => Err(Silent(format!("no answer within {} s", self.timeout.as_secs_f64()))),
        }
    }

    async fn ask(&self, bytes: &Bytes) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(&self.address).await?;
        stream.write_all(b"zINSTREAM\0").await?;
        for part in bytes.chunks(PART) {
            // A part is far below 4 GiB.
            stream.write_u32(u32::try_from(part.len()).unwrap_or(0)).await?;
            stream.write_all(part).await?;
        }
        stream.write_u32(0).await?;
        let mut answer = Vec::new();
        stream.take(ANSWER).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn verdict(answer: &str) -> Result<Verdict, Silent> {
    let said = answer.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    let said = said.strip_prefix("stream: ").unwrap_or(said);
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Verdict::Infected(name.to_owned())),
        None if said == "OK" => Ok(Verdict::Clean),
        None => Err(Silent(format!("it answered {said:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_is_clean() {
        assert_eq!(verdict("stream: OK\0"), Ok(Verdict::Clean));
        assert_eq!(verdict("stream: Eicar-Test FOUND\0"), Ok(Verdict::Infected("Eicar-Test".into())));
        for odd in ["", "INSTREAM size limit exceeded. ERROR\0", "stream: OK, or not"] {
            assert!(verdict(odd).is_err(), "{odd:?}");
        }
    }
}
