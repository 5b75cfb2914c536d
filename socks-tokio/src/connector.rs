//! What connects HTTP clients: a `Service<Uri>`.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Uri;
use hyper_util::client::legacy::connect::{self, Connection};
use hyper_util::rt::TokioIo;
use socks_adapter::plan;
use socks_config::Config;
use socks_proto::TargetAddr;
use tower_service::Service;

use crate::connect::connect_through;
use crate::socket::Socket;
use crate::stream::Stream;

/// Connects HTTP clients the way that a configuration says: a [`Service`] from a [`Uri`] to a stream, as the client of
/// hyper-util takes it.
///
/// ```no_run
/// use http_body_util::Empty;
/// use hyper_util::client::legacy::Client;
/// use hyper_util::rt::TokioExecutor;
/// use socks_tokio::{Config, Connector, ProxyUrl};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let proxy: ProxyUrl = "socks5h://gate.example".parse()?;
/// let connector = Connector::new(Config::from_url(&proxy));
/// let client = Client::builder(TokioExecutor::new()).build::<_, Empty<&[u8]>>(connector);
/// println!("{}", client.get("http://www.example/".parse()?).await?.status());
/// # Ok(())
/// # }
/// ```
///
/// The stream is the plain one for `https` as well: a connector for TLS is put around this one, as that of hyper-rustls.
/// A host that is a name is resolved by the proxy. Without a port in the URI it is that of the scheme: 443 for `https` and
/// `wss`, 80 for others.
///
/// A clone shares the configuration.
#[derive(Clone, Debug)]
pub struct Connector {
    config: Arc<Config>,
}

impl Connector {
    /// Connects as [`connect_through`](crate::connect_through()) does, within the time that `config` says.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self { config: config.into() }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream<Socket>>;
    /// Holds an [`Error`](crate::Error), or is one of [`io::ErrorKind::InvalidInput`] where the URI names no target.
    type Error = io::Error;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Connecting {
        let config = Arc::clone(&self.config);
        Connecting(Box::pin(async move {
            let target = target(&uri)?;
            let route = config.route(&target);
            let stream = connect_through(route, target, plan::timeout(&config, &route)).await?;
            Ok(TokioIo::new(stream))
        }))
    }
}

/// Where the URI leads.
fn target(uri: &Uri) -> io::Result<TargetAddr> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidInput, format!("{what}: {uri}"));
    let host = uri.host().ok_or_else(|| invalid("a URI without a host"))?;
    let port = uri.port_u16().unwrap_or_else(|| match uri.scheme_str() {
        Some("https" | "wss") => 443,
        _ => 80,
    });
    // Addresses of IPv6 stand in brackets there.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    TargetAddr::new(host, port).map_err(|_| invalid("no host has such a name"))
}

/// A connection that a [`Connector`] makes.
///
/// # Cancel safety
/// As that of [`connect`](crate::connect()).
pub struct Connecting(Pin<Box<dyn Future<Output = Connected> + Send>>);

type Connected = io::Result<TokioIo<Stream<Socket>>>;

impl Future for Connecting {
    type Output = Connected;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Connecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connecting").finish_non_exhaustive()
    }
}

impl<S> Connection for Stream<S> {
    /// Nothing: it is the target's, as if there were no proxy.
    fn connected(&self) -> connect::Connected {
        connect::Connected::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_uri_leads() {
        let at = |uri: &str| target(&uri.parse().expect("a URI")).map(|target| target.to_string()).ok();
        let rows = [
            ("http://www.example/", Some("www.example:80")),
            ("https://www.example/", Some("www.example:443")),
            ("wss://www.example:8443/chat", Some("www.example:8443")),
            ("http://192.0.2.7/", Some("192.0.2.7:80")),
            ("https://[2001:db8::1]/", Some("[2001:db8::1]:443")),
            ("/path", None),
        ];
        for (uri, expected) in rows {
            assert_eq!(at(uri).as_deref(), expected, "{uri}");
        }
        assert!(matches!(target(&Uri::from_static("http://[2001:db8::1]:80")), Ok(TargetAddr::Ip(_))));
        let long = format!("http://{}/", "a".repeat(256));
        assert_eq!(target(&long.parse().expect("a URI")).expect_err("too long").kind(), io::ErrorKind::InvalidInput);
    }
}
