//! Where a request really comes from: the peer, or what a proxy that is trusted says of it.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::settings::TrustedProxies;

/// The address that limits are counted by. `X-Forwarded-For` is anyone's to write, so it is read
/// from the right, past the proxies that are trusted, to the first address that none of them is.
#[must_use]
pub fn address(request: &HttpRequest, trusted: &TrustedProxies) -> IpAddr {
    // A test without a socket has no peer.
    let peer = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let told: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .collect();
    trusted.client(peer, &told)
}

/// Whether a page of this very server asks: its origin names the host that the request names.
#[must_use]
pub fn is_own(request: &HttpRequest, origin: &str) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let named = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    matches!((host, named), (Some(host), Some(named)) if host.eq_ignore_ascii_case(named))
}
