//! Blobs in a folder, or in a bucket of an S3-compatible store: the only file that names the
//! library. Next: [`Blobs`] for the promises.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{
    Attribute, Attributes, Certificate, ClientOptions, Error, GetOptions, GetRange, ObjectStore, PutOptions,
    RetryConfig,
};

use super::{Blob, BlobError, Blobs, Done, Labels, Piece};

/// A bucket and who may use it.
#[derive(Clone)]
pub struct Bucket {
    pub name: String,
    /// Below which everything lies; may be empty.
    pub prefix: String,
    /// `None` for AWS itself.
    pub endpoint: Option<String>,
    pub region: String,
    pub key_id: String,
    pub secret: String,
    /// PEM of the certificates that sign the endpoint's, instead of those known to everybody.
    pub roots: Option<Vec<u8>>,
    /// The longest that a request may take.
    pub timeout: Duration,
}

/// Where blobs lie.
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// Where addresses can be signed.
    signer: Option<AmazonS3>,
    prefix: Path,
    /// Folders know nothing of a file but its bytes.
    keeps_labels: bool,
}

impl Objects {
    /// In a folder, which is made.
    ///
    /// # Errors
    /// When it cannot be made or written.
    pub fn folder(path: &FilePath) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        sweep(path)?;
        // Written to the disk before it is said to be stored, as the database's rows are.
        let store = LocalFileSystem::new_with_prefix(path).map_err(io::Error::other)?.with_fsync(true);
        Ok(Self { store: Arc::new(store), signer: None, prefix: Path::default(), keeps_labels: false })
    }

    /// In a bucket.
    ///
    /// # Errors
    /// What is wrong with its description.
    pub fn bucket(bucket: Bucket) -> Result<Self, String> {
        let mut client = ClientOptions::new()
            .with_timeout(bucket.timeout)
            .with_connect_timeout(bucket.timeout.min(Duration::from_secs(5)));
        if let Some(pem) = &bucket.roots {
            client = client.with_no_system_certificates(true);
            for root in Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())? {
                client = client.with_root_certificate(root);
            }
        }
        let retry = RetryConfig { max_retries: 2, retry_timeout: bucket.timeout, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_access_key_id(&bucket.key_id)
            .with_secret_access_key(&bucket.secret)
            // Not every store that speaks S3 knows how to delete many at once.
            .with_disable_bulk_delete(true)
            .with_retry(retry);
        if let Some(endpoint) = &bucket.endpoint {
            let is_plain = endpoint.starts_with("http://");
            client = client.with_allow_http(is_plain);
            builder = builder.with_endpoint(endpoint).with_allow_http(is_plain);
        }
        let store = builder.with_client_options(client).build().map_err(|error| error.to_string())?;
        let prefix = Path::parse(&bucket.prefix).map_err(|error| error.to_string())?;
        Ok(Self { store: Arc::new(store.clone()), signer: Some(store), prefix, keeps_labels: true })
    }

    fn path(&self, blob: Blob) -> Path {
        let (folder, name) = match blob {
            Blob::Attachment(id) => ("attachments", id.to_string()),
            Blob::Thumbnail(id) => ("thumbnails", id.to_string()),
            Blob::Avatar(id) => ("avatars", id.to_string()),
        };
        self.prefix.clone().join(folder).join(name)
    }
}

/// A file that nobody has written to for so long is nobody's any more.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// Takes away what a crash left half written: the library writes to `name#n` and renames. Another
/// process may be writing just now.
fn sweep(path: &FilePath) -> io::Result<()> {
    for folder in ["attachments", "thumbnails", "avatars"] {
        let entries = match fs::read_dir(path.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let entry = entry?;
            let is_half = entry.file_name().to_string_lossy().contains('#');
            // A clock that went back makes nothing old.
            let age = || entry.metadata()?.modified().map(|at| at.elapsed().unwrap_or_default());
            if is_half && age()? > FORGOTTEN {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn fault(error: Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::Absent,
        other => BlobError::Unavailable(other.to_string().replace('\n', " ")),
    }
}

impl Blobs for Objects {
    fn put(&self, blob: Blob, bytes: Bytes, labels: Labels) -> Done<'_, ()> {
        let mut options = PutOptions::default();
        if self.keeps_labels {
            options.attributes = Attributes::from_iter([
                (Attribute::ContentType, labels.media_type),
                (Attribute::ContentDisposition, labels.disposition),
                (Attribute::CacheControl, "private, max-age=31536000, immutable".to_owned()),
            ]);
        }
        async move {
            let path = self.path(blob);
            self.store.put_opts(&path, bytes.into(), options).await.map(drop).map_err(fault)
        }
        .boxed()
    }

    fn get(&self, blob: Blob, range: Option<Range<u64>>) -> Done<'_, Piece> {
        async move {
            let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
            let found = self.store.get_opts(&self.path(blob), options).await.map_err(fault)?;
            let (size, range) = (found.meta.size, found.range.clone());
            let bytes = found.into_stream().map(|part| part.map_err(fault)).boxed();
            Ok(Piece { size, range, bytes })
        }
        .boxed()
    }

    fn link(&self, blob: Blob, life: Duration) -> Done<'_, Option<String>> {
        async move {
            let Some(signer) = &self.signer else { return Ok(None) };
            let signed = signer.signed_url(http::Method::GET, &self.path(blob), life).await;
            signed.map(|url| Some(url.to_string())).map_err(fault)
        }
        .boxed()
    }

    fn delete(&self, blob: Blob) -> Done<'_, ()> {
        async move {
            let path = self.path(blob);
            let gone = self.store.delete_stream(futures_util::stream::once(async { Ok(path) }).boxed());
            for outcome in gone.collect::<Vec<_>>().await {
                match outcome.map_err(fault) {
                    Ok(_) | Err(BlobError::Absent) => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
        .boxed()
    }

    fn ping(&self) -> Done<'_, ()> {
        async move {
            let nothing = self.prefix.clone().join("ping");
            match self
                .store
                .get_opts(&nothing, GetOptions { head: true, ..GetOptions::default() })
                .await
                .map_err(fault)
            {
                Ok(_) | Err(BlobError::Absent) => Ok(()),
                Err(error) => Err(error),
            }
        }
        .boxed()
    }
}
