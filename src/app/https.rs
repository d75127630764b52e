//! Asking other servers, from a thread that may wait.

use std::sync::Arc;
use std::time::Duration;

/// A client that gives up after so long. Certificates are judged by the roots that browsers know.
pub(super) fn agent(patience: Duration) -> ureq::Agent {
    let tls = ureq::tls::TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    ureq::Agent::config_builder().tls_config(tls).timeout_global(Some(patience)).build().into()
}
