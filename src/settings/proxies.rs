//! The proxies whose word about a client's address is believed.

use std::net::IpAddr;

use ipnet::IpNet;

use super::value::{Bounds, Value, parts};

/// Networks of proxies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    fn trusts(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&ip.to_canonical()))
    }

    /// The client behind `peer`, where `told` are the addresses of `X-Forwarded-For` in order. What
    /// a proxy that is not trusted wrote, or is no address, is believed as little as no word.
    #[must_use]
    pub fn client(&self, peer: IpAddr, told: &[&str]) -> IpAddr {
        let mut client = peer;
        for word in told.iter().rev() {
            if !self.trusts(client) {
                break;
            }
            let Ok(before) = word.trim().parse::<IpAddr>() else { break };
            client = before;
        }
        client.to_canonical()
    }
}

impl Value for TrustedProxies {
    const TYPE: &'static str = "networks, by comma";

    fn parse(raw: &str, _: Bounds) -> Result<Self, String> {
        let net = |part: &str| {
            let alone = part.parse::<IpAddr>().map(IpNet::from);
            part.parse::<IpNet>()
                .or(alone)
                .map_err(|_| "each must be an address or a network such as 10.0.0.0/8")
        };
        Ok(Self(parts(raw).map(net).collect::<Result<_, _>>()?))
    }

    fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_what_trusted_proxies_say_is_believed() {
        let trusted = TrustedProxies::parse("10.0.0.0/8, 192.0.2.1", None).expect("networks");
        // A stranger's word.
        assert_eq!(trusted.client(ip("203.0.113.9"), &["198.51.100.1"]), ip("203.0.113.9"));
        // Two proxies in a row; what the client itself claimed stands further left.
        let told = ["1.1.1.1", " 198.51.100.1", "10.1.2.3"];
        assert_eq!(trusted.client(ip("192.0.2.1"), &told), ip("198.51.100.1"));
        assert_eq!(trusted.client(ip("10.9.9.9"), &["nonsense"]), ip("10.9.9.9"));
        assert_eq!(trusted.client(ip("::ffff:10.9.9.9"), &["198.51.100.1"]), ip("198.51.100.1"));
        assert_eq!(TrustedProxies::default().client(ip("10.9.9.9"), &["198.51.100.1"]), ip("10.9.9.9"));
        assert!(TrustedProxies::parse("10.0.0.0/33", None).is_err());
    }
}
