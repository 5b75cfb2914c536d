//! The way to a target through one proxy.

mod common;

use std::io;

use common::{GRANTED, METHOD_NONE, PATIENCE, closed, config, converse, scripted, target, to};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};
use socks_proto::{AuthFailure, ReplyCode};
use socks_tokio::{
    Config, Error, Login, Offer, Phase, ProxyUrl, Refusal, Route, Socket, UserPass, connect, connect_over,
    connect_through,
};
use tokio::net::TcpStream;

fn proxy(login: Option<(&str, &str)>) -> Proxy {
    let config = ProxyConfig {
        login: login.map(|(user, password)| (user.into(), password.into())),
        hosts: vec![("mail.example".into(), [127, 0, 0, 1].into())],
        ..ProxyConfig::default()
    };
    Proxy::start(config).expect("a proxy")
}

fn through(proxy: &Proxy) -> Config {
    let url: ProxyUrl = format!("socks5h://{}", proxy.addr()).parse().expect("a URL");
    Config::from_url(&url)
}

#[tokio::test]
async fn a_name_stays_a_name() {
    let (proxy, server) = (proxy(None), target());
    let name = format!("mail.example:{}", server.port());
    let mut stream = connect(&through(&proxy), to(&name)).await.expect("a stream");
    converse(&mut stream).await;
    drop(stream);
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains(&format!("target={name} ")), "{log:?}");
}

#[tokio::test]
async fn the_raw_stream_comes_back() {
    let (proxy, server) = (proxy(None), target());
    let mut stream: TcpStream = connect(&through(&proxy), server).await.expect("a stream");
    assert_eq!(stream.peer_addr().expect("a peer"), proxy.addr());
    converse(&mut stream).await;
}

#[tokio::test]
async fn bytes_behind_the_reply_are_the_applications() {
    let all_at_once: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38220 hello\r\nping";
    assert!(all_at_once.starts_with(GRANTED));
    let peer = scripted(Vec::leak(vec![METHOD_NONE, all_at_once]));
    let mut stream =
        connect(&config(&format!("proxy 0.0.0.0/0 {peer}")), to("mail.example:25")).await.expect("a stream");
    converse(&mut stream).await;
}

#[tokio::test]
async fn bytes_behind_a_pipelined_reply_are_the_applications() {
    let peer = scripted(&[b"\x05\x00\x05\x00\x00\x03\x00\x00\x00220 hello\r\nping"]);
    let config = config(&format!("proxy 0.0.0.0/0 {peer}/pipeline"));
    let mut stream = connect(&config, to("mail.example:25")).await.expect("a stream");
    converse(&mut stream).await;
}

#[tokio::test]
async fn logs_in_step_by_step_and_in_one_round_trip() {
    let (proxy, server) = (proxy(Some(("ann", "s3cret"))), target());
    for option in ["", "/pipeline"] {
        let config = config(&format!("proxy 0.0.0.0/0 {}{option} ann s3cret", proxy.addr()));
        converse(&mut connect(&config, server).await.expect("a stream")).await;
    }
    let log = proxy.wait_for_log(2, PATIENCE);
    assert!(log.iter().all(|line| line.contains("method=userpass user=\"ann\"")), "{log:?}");
}

#[tokio::test]
async fn a_proxy_that_wants_no_login_gets_none() {
    let (proxy, server) = (proxy(None), target());
    let config = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
    converse(&mut connect(&config, server).await.expect("a stream")).await;
}

#[tokio::test]
async fn a_refused_login_is_told_as_one() {
    let proxy = proxy(Some(("ann", "s3cret")));
    let config = config(&format!("proxy 0.0.0.0/0 {} ann wrong", proxy.addr()));
    let error = connect(&config, to("mail.example:25")).await.expect_err("refused");
    let Error::Handshake(socks_proto::Error::Authenticate(AuthFailure::LoginRefused { .. })) = error else {
        panic!("{error:?}")
    };
    assert!(!error.to_string().contains("wrong"), "{error}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::PermissionDenied);
}

#[tokio::test]
async fn a_missing_login_is_told_as_one() {
    let proxy = proxy(Some(("ann", "s3cret")));
    let error = connect(&through(&proxy), to("mail.example:25")).await.expect_err("refused");
    assert!(matches!(error, Error::Handshake(socks_proto::Error::NoAcceptableMethod)), "{error:?}");
}

#[tokio::test]
async fn the_proxys_answer_is_kept() {
    let error = connect(&through(&proxy(None)), closed()).await.expect_err("nobody there");
    let Error::Handshake(socks_proto::Error::Refused { phase: Phase::Reply, code }) = error else {
        panic!("{error:?}")
    };
    assert_eq!(code, ReplyCode::CONNECTION_REFUSED);
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn what_is_not_socks_is_told_as_that() {
    let config = config(&format!("proxy 0.0.0.0/0 {}", scripted(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"])));
    let error = connect(&config, to("mail.example:25")).await.expect_err("not SOCKS");
    assert!(error.to_string().contains("HTTP"), "{error}");
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
}

#[tokio::test]
async fn over_any_stream_and_back_from_a_failure() {
    let stream = TcpStream::connect(scripted(&[METHOD_NONE, b"\x05\x02"])).await.expect("a peer");
    let ours = stream.local_addr().expect("an address");
    let failed = connect_over(stream, to("mail.example:25"), Offer::stepwise(Login::None)).await.expect_err("refused");
    assert!(matches!(failed.error(), Error::Handshake(socks_proto::Error::Refused { .. })), "{failed:?}");
    assert_eq!(failed.into_stream().local_addr().expect("an address"), ours);
}

#[tokio::test]
async fn through_three_proxies_one_inside_the_other() {
    let login = UserPass::new("ann", "s3cret").expect("short enough");
    let (first, second, third, server) = (proxy(None), proxy(Some(("ann", "s3cret"))), proxy(None), target());
    let stream = TcpStream::connect(first.addr()).await.expect("the first");
    let stream = connect_over(stream, second.addr(), Offer::one_round_trip(Login::None)).await.expect("the second");
    let stream = connect_over(stream, third.addr(), Offer::stepwise(login)).await.expect("the third");
    let mut stream = connect_over(stream, server, Offer::stepwise(Login::None)).await.expect("the target");
    converse(&mut stream).await;
    let within = stream.into_inner().expect("no protection").into_inner().expect("no protection");
    let stream = within.into_inner().expect("no protection");
    assert_eq!(stream.peer_addr().expect("a peer"), first.addr());
    assert_eq!([first.connections(), second.connections(), third.connections()], [1; 3]);
}

#[tokio::test]
async fn each_circuit_has_its_own_login() {
    let (proxy, server) = (proxy(Some(("circuit-7", "x"))), target());
    let config = config(&format!("proxy 0.0.0.0/0 {} ann s3cret", proxy.addr()));
    let Route::Proxy(rule) = config.route(server) else { panic!("not through the proxy") };
    let alone = rule.with_credentials(UserPass::new("circuit-7", "x").expect("short enough"));
    converse(&mut connect_through(Route::Proxy(&alone), server, PATIENCE).await.expect("a stream")).await;
    let log = proxy.wait_for_log(1, PATIENCE);
    assert!(log[0].contains("user=\"circuit-7\""), "{log:?}");
    // The rule itself is as it was.
    let error = connect(&config, server).await.expect_err("another login");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

#[cfg(unix)]
#[tokio::test]
async fn a_proxy_on_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("proxy");
    let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
    let (_proxy, server) = (Proxy::start(proxy).expect("a proxy"), target());
    let config = config(&format!("proxy 0.0.0.0/0 unix:{}", path.display()));

    let mut stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
    assert!(matches!(stream.get_ref(), Socket::Unix(_)));
    converse(&mut stream).await;

    let error = connect(&config, server).await.expect_err("no TcpStream to be had");
    assert!(matches!(error, Error::CouldNotReach(_)), "{error:?}");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

#[tokio::test]
async fn bound_is_where_the_target_sees_us_come_from() {
    let (proxy, server) = (proxy(None), target());
    for config in [through(&proxy), Config::default()] {
        let stream = connect_through(config.route(server), server, PATIENCE).await.expect("a stream");
        let bound = stream.bound().socket_addr().expect("an address");
        assert!(bound.ip().is_loopback() && bound.port() != 0, "{bound}");
    }
}

#[tokio::test]
async fn direct_where_the_configuration_says_so() {
    let server = target();
    let config = config(&format!("proxy 0.0.0.0/0 {}\nnoproxy 127.0.0.0/8", closed()));
    let mut stream = connect(&config, server).await.expect("a stream");
    assert_eq!(stream.peer_addr().expect("a peer"), server);
    converse(&mut stream).await;
    let by_name = connect(&config, to(&format!("localhost:{}", server.port()))).await.expect("a stream");
    assert_eq!(by_name.peer_addr().expect("a peer"), server);
}

#[tokio::test]
async fn refused_is_not_direct() {
    let server = target();
    let error = connect(&config("strict"), server).await.expect_err("refused");
    assert!(matches!(error, Error::Refused(Refusal::Strict)), "{error:?}");
    let broken = Config::parse("test", b"proxy 10.0.0.0/99 gate.example");
    let error = connect(&broken.config, server).await.expect_err("refused");
    assert!(matches!(error, Error::Refused(Refusal::Unsound)), "{error:?}");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}
