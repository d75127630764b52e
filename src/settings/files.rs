//! Files that people send: where they lie, and how many and how large they may be.

use std::path::PathBuf;
use std::time::Duration;

use super::table::group;
use super::value::Secret;
use super::{SettingError, Settings};

const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

group! {
    /// Files that people send.
    FileSettings {
        /// Where files lie: `file:///PATH`, or `s3://BUCKET` or `s3://BUCKET/PREFIX`. The folder `files` in the data folder when not set; several processes need one that all of them reach.
        url: Option<String> = None, ["CHAT_FILES_URL"], "";
        /// The address of an S3-compatible store, such as `https://s3.example.com`; AWS itself when not set.
        s3_endpoint: Option<String> = None, ["CHAT_S3_ENDPOINT"], "";
        /// The region of the bucket.
        s3_region: String = "us-east-1".to_owned(), ["CHAT_S3_REGION", "AWS_REGION"], "";
        /// The name of the key by which the bucket is used.
        s3_key_id: Option<Secret> = None, ["CHAT_S3_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"], "";
        /// The key.
        s3_secret: Option<Secret> = None, ["CHAT_S3_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"], "";
        /// A file with the certificates (PEM) that sign the certificate of the S3 store, instead of those known to everybody.
        s3_ca_file: Option<PathBuf> = None, ["CHAT_S3_CA_FILE"], "";
        /// How long the S3 store may take for one request.
        s3_timeout: Duration = secs(20), ["CHAT_S3_TIMEOUT_SECONDS"], "seconds", 1..=300;
        /// Whether readers of a file in S3 are sent there, by an address that is good for `CHAT_FILES_LINK_SECONDS`; else the server hands it through.
        redirects: bool = true, ["CHAT_FILES_REDIRECT"], "";
        /// How long such an address is good.
        link: Duration = secs(30), ["CHAT_FILES_LINK_SECONDS"], "seconds", 1..=30;
        /// Largest file. Proxies must let some more through, for what an upload is wrapped in.
        bytes: usize = 9_961_472, ["CHAT_LIMIT_FILE_BYTES"], "bytes", 1_024..=1_073_741_824;
        /// Largest upload of one's own picture.
        avatar_bytes: usize = 2_097_152, ["CHAT_LIMIT_AVATAR_BYTES"], "bytes", 1_024..=104_857_600;
        /// Most pixels of a picture: width times height.
        pixels: u64 = 25_000_000, ["CHAT_LIMIT_FILE_PIXELS"], "pixels", 10_000..=1_000_000_000;
        /// Most frames of a moving picture.
        frames: u32 = 1_000, ["CHAT_LIMIT_FILE_FRAMES"], "", 1..=100_000;
        /// Most bytes of a document when it is unpacked.
        unpacked: u64 = 67_108_864, ["CHAT_LIMIT_FILE_UNPACKED_BYTES"], "bytes", 1_048_576..=1_073_741_824;
        /// All files of one user together.
        quota: u64 = 1_073_741_824, ["CHAT_FILES_QUOTA_BYTES"], "bytes", 0..=1_125_899_906_842_624;
        /// Uploads that one process reads at once; beyond it the answer is 503.
        uploads: usize = 8, ["CHAT_LIMIT_UPLOADS"], "", 1..=10_000;
        /// How long an upload may take to arrive.
        upload: Duration = secs(120), ["CHAT_UPLOAD_SECONDS"], "seconds", 1..=3_600;
        /// Files that are looked through at once, each with up to 4 bytes of memory for each pixel.
        judges: usize = 1, ["CHAT_FILES_JUDGES"], "threads", 1..=64;
        /// Most files that wait for that; beyond it the answer is 503.
        judge_queue: usize = 32, ["CHAT_FILES_QUEUE"], "", 0..=10_000;
        /// A file that was sent with no message is taken away after so long.
        unsent: Duration = secs(24 * 3_600), ["CHAT_FILES_UNSENT_SECONDS"], "seconds", 60..=31_536_000;
        /// Files of a deleted message are taken away after so long; nobody sees them from the deletion on.
        deleted: Duration = secs(30 * 86_400), ["CHAT_FILES_DELETED_SECONDS"], "seconds", 0..=315_360_000;
        /// How often files that nothing shows are looked for.
        collect_interval: Duration = secs(600), ["CHAT_FILES_COLLECT_SECONDS"], "seconds", 1..=86_400;
        /// Where ClamAV's daemon listens, such as `clamav:3310`; each upload is shown to it, and none is taken while it does not answer.
        clamd_address: Option<String> = None, ["CHAT_CLAMD_ADDRESS"], "";
        /// How long it may take for one file.
        clamd_timeout: Duration = secs(30), ["CHAT_CLAMD_TIMEOUT_SECONDS"], "seconds", 1..=300;
    }
}

/// Where files lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePlace {
    Folder(PathBuf),
    Bucket { name: String, prefix: String },
}

impl Settings {
    /// Where files lie; `None` when the setting is nothing of the kind.
    #[must_use]
    pub fn file_place(&self) -> Option<FilePlace> {
        let Some(url) = self.files.url.as_deref() else {
            return Some(FilePlace::Folder(self.data_dir.join("files")));
        };
        if let Some(path) = url.strip_prefix("file://") {
            return path.starts_with('/').then(|| FilePlace::Folder(PathBuf::from(path)));
        }
        let (name, prefix) = match url.strip_prefix("s3://")?.split_once('/') {
            Some((name, prefix)) => (name, prefix.trim_matches('/')),
            None => (url.strip_prefix("s3://")?, ""),
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let fits = !name.is_empty() && name.chars().all(is_name);
        fits.then(|| FilePlace::Bucket { name: name.to_owned(), prefix: prefix.to_owned() })
    }
}

impl Settings {
    /// Where readers of files are sent: a page's policy must let it read there.
    #[must_use]
    pub fn files_origin(&self) -> Option<String> {
        let Some(FilePlace::Bucket { .. }) = self.file_place().filter(|_| self.files.redirects) else {
            return None;
        };
        let endpoint = self.files.s3_endpoint.as_deref().map(|url| url.trim_end_matches('/').to_owned());
        Some(endpoint.unwrap_or_else(|| format!("https://s3.{}.amazonaws.com", self.files.s3_region)))
    }
}

/// What of files one setting alone cannot tell.
pub(super) fn validate(settings: &Settings) -> Result<(), SettingError> {
    let refuse = |name, why: &str| Err(SettingError::new(name, why));
    let files = &settings.files;
    let Some(place) = settings.file_place() else {
        return refuse("CHAT_FILES_URL", "must be file:///PATH, s3://BUCKET or s3://BUCKET/PREFIX");
    };
    if let FilePlace::Bucket { .. } = place {
        if files.s3_key_id.is_none() {
            return refuse("CHAT_S3_ACCESS_KEY_ID", "is needed for files in S3");
        }
        if files.s3_secret.is_none() {
            return refuse("CHAT_S3_SECRET_ACCESS_KEY", "is needed for files in S3");
        }
    }
    match files.s3_endpoint.as_deref() {
        Some(url) if !super::is_origin(url.trim_end_matches('/')) => {
            refuse("CHAT_S3_ENDPOINT", "must be scheme://host or scheme://host:port, with http or https")
        }
        Some(url) if settings.environment.is_served() && !url.starts_with("https://") => {
            refuse("CHAT_S3_ENDPOINT", "must begin with https in staging and production")
        }
        _ if files.clamd_address.as_deref().is_some_and(|address| !is_address(address)) => {
            refuse("CHAT_CLAMD_ADDRESS", "must be host:port")
        }
        _ if files.avatar_bytes > files.bytes => {
            refuse("CHAT_LIMIT_AVATAR_BYTES", "may not be above CHAT_LIMIT_FILE_BYTES")
        }
        _ => Ok(()),
    }
}

fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Settings, SettingError> {
        Settings::from_env(&|name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn files_lie_beside_the_database_or_where_they_are_put() {
        let place = |pairs: &[(&str, &str)]| with(pairs).expect("valid").file_place();
        assert_eq!(place(&[]), Some(FilePlace::Folder(PathBuf::from("./data/files"))));
        let folder = place(&[("CHAT_FILES_URL", "file:///srv/files")]);
        assert_eq!(folder, Some(FilePlace::Folder(PathBuf::from("/srv/files"))));
        let keys = [("CHAT_S3_ACCESS_KEY_ID", "me"), ("CHAT_S3_SECRET_ACCESS_KEY", "hunter2")];
        for (url, prefix) in [("s3://files", ""), ("s3://files/", ""), ("s3://files/a/b/", "a/b")] {
            let [one, two] = keys;
            let bucket = FilePlace::Bucket { name: "files".into(), prefix: prefix.into() };
            assert_eq!(place(&[("CHAT_FILES_URL", url), one, two]), Some(bucket), "{url}");
        }
        let [one, two] = keys;
        let bucket = ("CHAT_FILES_URL", "s3://files");
        let origin = |more: &[(&str, &str)]| {
            with(&[&[bucket, one, two], more].concat()).expect("valid").files_origin()
        };
        assert_eq!(origin(&[]).as_deref(), Some("https://s3.us-east-1.amazonaws.com"));
        let endpoint = ("CHAT_S3_ENDPOINT", "http://minio:9000/");
        assert_eq!(origin(&[endpoint]).as_deref(), Some("http://minio:9000"));
        assert_eq!(origin(&[endpoint, ("CHAT_FILES_REDIRECT", "off")]), None);
        assert_eq!(with(&[]).expect("valid").files_origin(), None);
        assert!(!format!("{:?}", with(&keys)).contains("hunter2"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let bucket = ("CHAT_FILES_URL", "s3://files");
        let key = ("CHAT_S3_ACCESS_KEY_ID", "me");
        let secret = ("CHAT_S3_SECRET_ACCESS_KEY", "x");
        for (pairs, name) in [
            (vec![("CHAT_FILES_URL", "/srv/files")], "CHAT_FILES_URL"),
            (vec![("CHAT_FILES_URL", "file://srv/files")], "CHAT_FILES_URL"),
            (vec![("CHAT_FILES_URL", "s3://a b")], "CHAT_FILES_URL"),
            (vec![bucket], "CHAT_S3_ACCESS_KEY_ID"),
            (vec![bucket, key], "CHAT_S3_SECRET_ACCESS_KEY"),
            (vec![bucket, key, secret, ("CHAT_S3_ENDPOINT", "minio:9000")], "CHAT_S3_ENDPOINT"),
            (
                vec![
                    bucket,
                    key,
                    secret,
                    ("CHAT_S3_ENDPOINT", "http://minio:9000"),
                    ("CHAT_ENV", "production"),
                ],
                "CHAT_S3_ENDPOINT",
            ),
            (vec![("CHAT_CLAMD_ADDRESS", "clamav")], "CHAT_CLAMD_ADDRESS"),
            (vec![("CHAT_LIMIT_FILE_BYTES", "1024")], "CHAT_LIMIT_AVATAR_BYTES"),
            (vec![("CHAT_FILES_LINK_SECONDS", "31")], "CHAT_FILES_LINK_SECONDS"),
        ] {
            assert_eq!(with(&pairs).expect_err(name).name, name, "{pairs:?}");
        }
    }
}
