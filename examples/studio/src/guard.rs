//! Who may talk to the server: `Host` and `Origin` checks against other sites' pages and rebound names, and the headers
//! that keep the page to itself.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::reply::Refusal;

/// Which `Host` headers are answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hosts {
    /// This machine's own names alone: `localhost` and loopback addresses.
    Loopback,
    /// Any IP address, `localhost`, and this name. An address cannot be rebound as a name can.
    Network(String),
}

impl Hosts {
    /// What fits a server that listens at `host`.
    #[must_use]
    pub fn of(host: &str) -> Self {
        let is_loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if is_loopback { Self::Loopback } else { Self::Network(host.to_owned()) }
    }

    fn accept(&self, authority: &str) -> bool {
        let name = name_of(authority);
        let address = name.parse::<IpAddr>();
        match self {
            Self::Loopback => {
                name.eq_ignore_ascii_case("localhost") || address.is_ok_and(|ip| ip.is_loopback())
            }
            Self::Network(own) => {
                address.is_ok() || name.eq_ignore_ascii_case("localhost") || name.eq_ignore_ascii_case(own)
            }
        }
    }
}

/// The host of `host:port`, without brackets.
fn name_of(authority: &str) -> &str {
    if let Some(rest) = authority.strip_prefix('[') {
        return rest.split(']').next().unwrap_or("");
    }
    authority.rsplit_once(':').map_or(authority, |(name, _)| name)
}

/// Refuses requests that name another host, or come from another site's page, and adds the security headers.
pub async fn guard(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    let mut response = match check(&hosts, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}

fn check(hosts: &Hosts, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: HeaderName| headers.get(name).map(|v| v.to_str().unwrap_or(""));
    let forbidden = |message: &str| Err(Refusal::new(StatusCode::FORBIDDEN, message));
    let host = text(header::HOST).unwrap_or("");
    if !hosts.accept(host) {
        return forbidden("this studio does not answer to that host name");
    }
    if let Some(origin) = text(header::ORIGIN)
        && origin.strip_prefix("http://") != Some(host)
    {
        return forbidden("this studio does not answer other sites");
    }
    match text(HeaderName::from_static("sec-fetch-site")) {
        None | Some("same-origin" | "none") => Ok(()),
        Some(_) => forbidden("this studio does not answer other sites"),
    }
}

const HEADERS: [(&str, &str); 7] = [
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "midi=(self), camera=(), microphone=(), geolocation=()"),
    ("cache-control", "no-store"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

    use super::*;

    #[test]
    fn hosts_by_where_the_server_listens() {
        let loopback = Hosts::of("127.0.0.1");
        for own in ["127.0.0.1:80", "localhost", "LOCALHOST:1", "[::1]:8080", "127.1.2.3:5"] {
            assert!(loopback.accept(own), "{own}");
        }
        for other in
            ["", "evil.example:80", "10.0.0.1", "localhost.evil.example", "127.0.0.1.evil.example", "[::2]:1"]
        {
            assert!(!loopback.accept(other), "{other}");
        }
        let network = Hosts::of("studio.lan");
        assert!(network.accept("studio.lan:80") && network.accept("10.0.0.1:80"));
        assert!(!network.accept("evil.example:80"));
        assert_eq!(Hosts::of("::1"), Hosts::Loopback);
        assert_eq!(Hosts::of("0.0.0.0"), Hosts::Network("0.0.0.0".to_owned()));
    }
}
