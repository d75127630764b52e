//! Key files that sign access tokens, instead of a secret: Ed25519, so that others may check a token
//! without being able to make one. What they need for that is the key set (RFC 7517).

use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// A key file that cannot be used. Holds nothing of what is in it.
#[derive(Debug, Error)]
pub enum KeyError {
    #[error("{path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error("{0}: holds no Ed25519 key in PKCS#8 (PEM): make one with openssl genpkey -algorithm ed25519")]
    Key(PathBuf),
    #[error("{0}: holds no file that ends in .pem")]
    Empty(PathBuf),
    #[error("{0}: holds a key that stands before")]
    Twice(PathBuf),
}

/// A key that signs and is known to others by its public half.
#[derive(Clone)]
pub struct SigningKey {
    /// PKCS#8.
    pub(super) private: Vec<u8>,
    pub public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.id)
    }
}

/// What a token is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// The `kid` of tokens: the key's thumbprint (RFC 7638).
    pub id: String,
    /// The 32 bytes in base64url: `x` of a key set.
    pub x: String,
}

/// Reads key files in their order. Of a folder, its files that end in `.pem`, by name.
///
/// # Errors
/// The first that cannot be used.
pub fn load(places: &[String]) -> Result<Vec<SigningKey>, KeyError> {
    let mut keys: Vec<SigningKey> = Vec::new();
    for place in places {
        for path in files(Path::new(place))? {
            let key = read(&path)?;
            if keys.iter().any(|known| known.public == key.public) {
                return Err(KeyError::Twice(path));
            }
            keys.push(key);
        }
    }
    Ok(keys)
}

fn files(place: &Path) -> Result<Vec<PathBuf>, KeyError> {
    let wrong = |cause| KeyError::File { path: place.to_owned(), cause };
    if !fs::metadata(place).map_err(wrong)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let entries = fs::read_dir(place).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    // Beside its files a mounted volume has names that begin with a dot.
    let is_hidden =
        |path: &Path| path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    paths.retain(|path| path.extension().is_some_and(|end| end == "pem") && !is_hidden(path));
    paths.sort();
    if paths.is_empty() { Err(KeyError::Empty(place.to_owned())) } else { Ok(paths) }
}

fn read(path: &Path) -> Result<SigningKey, KeyError> {
    let text = fs::read(path).map_err(|cause| KeyError::File { path: path.to_owned(), cause })?;
    parse(&text).ok_or_else(|| KeyError::Key(path.to_owned()))
}

fn parse(pem: &[u8]) -> Option<SigningKey> {
    let der = PrivatePkcs8KeyDer::from_pem_slice(pem).ok()?;
    let pair = Ed25519KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok()?;
    let x = URL_SAFE_NO_PAD.encode(pair.public_key());
    // Its members in the order of the alphabet, without white space: RFC 7638, section 3.
    let thumbprint = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    let public = PublicKey { id: URL_SAFE_NO_PAD.encode(thumbprint), x };
    Some(SigningKey { private: der.secret_pkcs8_der().to_vec(), public })
}

#[cfg(test)]
pub(super) mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn pem(der: &[u8]) -> String {
        format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(der))
    }

    fn fresh() -> String {
        let pair = Ed25519KeyPair::generate().expect("a key");
        pem(pair.to_pkcs8v1().expect("encoded").as_ref())
    }

    pub(in super::super) fn key() -> SigningKey {
        parse(fresh().as_bytes()).expect("a key")
    }

    /// Appendix A of RFC 8037.
    #[test]
    fn a_key_is_named_by_its_thumbprint() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").expect("base64");
        // What RFC 8410 puts before the 32 bytes.
        let der =
            [b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".as_slice(), &seed].concat();
        let public = parse(pem(&der).as_bytes()).expect("a key").public;
        assert_eq!(public.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert_eq!(public.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_folder_is_read_by_name_and_hidden_files_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("written");
        let place = [folder.path().to_str().expect("plain").to_owned()];
        assert!(matches!(load(&place), Err(KeyError::Empty(_))));
        let (one, two) = (fresh(), fresh());
        write("2.pem", &two);
        write("1.pem", &one);
        write(".3.pem", "hidden");
        write("README", "not a key");
        let ids = |keys: Vec<SigningKey>| keys.into_iter().map(|key| key.public.id).collect::<Vec<_>>();
        let expected = [&one, &two].map(|pem| parse(pem.as_bytes()).expect("a key").public.id);
        assert_eq!(ids(load(&place).expect("keys")), expected);
        let file = |name: &str| folder.path().join(name).to_str().expect("plain").to_owned();
        let listed = ids(load(&[file("2.pem"), file("1.pem")]).expect("keys"));
        assert_eq!(listed, [expected[1].clone(), expected[0].clone()]);
        assert!(matches!(load(&[file("1.pem"), file("1.pem")]), Err(KeyError::Twice(_))));
    }

    #[test]
    fn what_is_no_key_is_named_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &str| {
            fs::write(folder.path().join(name), text).expect("written");
            [folder.path().join(name).to_str().expect("plain").to_owned()]
        };
        let other = rcgen::KeyPair::generate().expect("a key of another kind").serialize_pem();
        for (name, text) in [("empty", ""), ("text", "hunter2"), ("other", &other), ("cut", &fresh()[..60])] {
            let error = load(&file(name, text)).expect_err(name).to_string();
            assert!(error.contains(name) && !error.contains("hunter2"), "{error}");
        }
        assert!(matches!(load(&["/nowhere".into()]), Err(KeyError::File { .. })));
    }
}
