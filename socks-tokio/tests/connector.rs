//! The connector under the client of hyper-util, without TLS and with it.

mod common;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use common::{PATIENCE, closed, config, in_time};
use http_body_util::{BodyExt, Empty};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::{Connect, Connection};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::TokioExecutor;
use socks_conformance::proxy::{Proxy, ProxyConfig};
use socks_tokio::{Config, Connector, Error};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

const PAGE: &str = "hello from behind the proxy";

/// Answers requests without a body, one after the other.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    let mut request = Vec::new();
    while stream.read_buf(&mut request).await? > 0 {
        if request.ends_with(b"\r\n\r\n") {
            request.clear();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{PAGE}", PAGE.len());
            stream.write_all(answer.as_bytes()).await?;
            stream.flush().await?;
        }
    }
    Ok(())
}

/// A web server on the runtime of the test; with TLS where there is an acceptor.
async fn server(tls: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let addr = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let tls = tls.clone();
            tokio::spawn(async move {
                match tls {
                    Some(tls) => serve(tls.accept(stream).await?).await,
                    None => serve(stream).await,
                }
            });
        }
    });
    addr
}

/// Knows one name.
fn proxy() -> (Proxy, Config) {
    let hosts = vec![("www.example".into(), [127, 0, 0, 1].into())];
    let proxy = Proxy::start(ProxyConfig { hosts, ..ProxyConfig::default() }).expect("a proxy");
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    (proxy, config)
}

type Outcome = Result<String, legacy::Error>;

fn client<C: Connect + Clone + Send + Sync + 'static>(connector: C) -> Client<C, Empty<&'static [u8]>> {
    Client::builder(TokioExecutor::new()).build(connector)
}

async fn get<C: Connect + Clone + Send + Sync + 'static>(
    client: &Client<C, Empty<&'static [u8]>>,
    url: &str,
) -> Outcome {
    let answer = in_time(client.get(url.parse().expect("a URL"))).await?;
    assert_eq!(answer.status(), 200);
    let page = in_time(answer.into_body().collect()).await.expect("all of it").to_bytes();
    Ok(String::from_utf8_lossy(&page).into_owned())
}

#[tokio::test]
async fn a_page_by_a_name_that_only_the_proxy_knows() {
    let ((proxy, config), server) = (proxy(), server(None).await);
    let client = client(Connector::new(config));
    let url = format!("http://www.example:{}/", server.port());
    for _ in 0..3 {
        assert_eq!(get(&client, &url).await.expect("a page"), PAGE);
    }
    assert_eq!(proxy.connections(), 1, "the connection is used again");
    drop(client);
    // Not here, where the client's task has to see that its client is gone.
    let log = spawn_blocking(move || proxy.wait_for_log(1, PATIENCE)).await.expect("no panic");
    assert!(log[0].contains(&format!("target=www.example:{} ", server.port())), "{log:?}");
}

#[tokio::test]
async fn a_page_over_tls() {
    let certified = rcgen::generate_simple_self_signed(["www.example".to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let certificate = certified.cert.der().clone();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let acceptor = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key.into());
    let acceptor = TlsAcceptor::from(Arc::new(acceptor.expect("a key of that certificate")));

    let ((proxy, config), server) = (proxy(), server(Some(acceptor)).await);
    let tls = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let tls = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1();
    let client = client(tls.wrap_connector(Connector::new(config)));
    let url = format!("https://www.example:{}/", server.port());
    assert_eq!(get(&client, &url).await.expect("a page"), PAGE);
    assert_eq!(proxy.connections(), 1);
}

#[tokio::test]
async fn a_failure_is_told_as_everywhere() {
    let down = config(&format!("proxy 0.0.0.0/0 {}", closed()));
    let error = get(&client(Connector::new(down)), "http://www.example/").await.expect_err("no proxy");
    assert!(error.is_connect());
    let cause = std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<io::Error>());
    let cause = cause.and_then(io::Error::get_ref).and_then(|cause| cause.downcast_ref());
    assert!(matches!(cause, Some(Error::CouldNotReach(_))), "{error:?}");
}

#[tokio::test]
async fn connections_are_those_of_the_target() {
    use tower_service::Service as _;
    let ((_proxy, config), server) = (proxy(), server(None).await);
    let uri = format!("http://{server}/").parse().expect("a URI");
    let stream = in_time(Connector::new(config).call(uri)).await.expect("a stream");
    // Requests have the form for a server, not that for a proxy of HTTP.
    assert!(!stream.connected().is_proxied());
}
