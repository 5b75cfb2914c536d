//! UDP ASSOCIATE: datagrams by way of a proxy.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use futures_lite::AsyncRead;
use futures_lite::future::poll_once;
use socks_async_std::{
    Config, DatagramError, Error, Login, Offer, Socket, TargetAddr, UdpAssociation, UserPass, WireAddr,
};
use socks_conformance::peers::{UdpProxy, udp_echo};
use socks_conformance::proxy::{Listen, Proxy, ProxyConfig};

use crate::common::{METHOD_NONE, PATIENCE, closed, config, dial, local_addr, scripted, soon, to};
use crate::{run, spawn};

fn through(proxy: &Proxy) -> Config {
    config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()))
}

async fn converse<S: AsyncRead + Unpin>(
    association: &UdpAssociation<S>,
    target: impl Into<TargetAddr> + Copy,
    peer: SocketAddr,
) {
    let mut buf = [0; 64];
    for said in [&b"ping"[..], b""] {
        association.send_to(said, target).await.expect("sent");
        let (len, from) = soon(association.recv_from(&mut buf)).await.expect("an answer");
        assert_eq!((&buf[..len], from), (said, WireAddr::Ip(peer)));
    }
}

/// What an adapter's error holds.
fn datagram_error(error: &io::Error) -> &DatagramError {
    error.get_ref().and_then(|inner| inner.downcast_ref()).unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
fn there_and_back_by_address_and_by_name() {
    run(async {
        let hosts = vec![("echo.example".into(), Ipv4Addr::LOCALHOST.into())];
        let proxy = Proxy::start(ProxyConfig { hosts, ..ProxyConfig::default() }).expect("a proxy");
        let echo = udp_echo();
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        converse(&association, echo, echo).await;
        converse(&association, to(&format!("echo.example:{}", echo.port())), echo).await;
    });
}

#[test]
fn an_open_relay_address_is_the_proxys() {
    run(async {
        let proxy = Proxy::start(ProxyConfig { answer_unspecified: true, ..ProxyConfig::default() }).expect("a proxy");
        let echo = udp_echo();
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        assert!(association.bound().is_unspecified());
        assert_eq!(association.relay().ip(), proxy.addr().ip());
        converse(&association, echo, echo).await;
    });
}

#[test]
fn over_a_stream_with_a_login_from_a_port_of_ours() {
    run(async {
        let login = Some(("ann".into(), "s3cret".into()));
        let proxy = Proxy::start(ProxyConfig { login, ..ProxyConfig::default() }).expect("a proxy");
        let echo = udp_echo();
        let stream = dial(proxy.addr()).await;
        // An address of the loopback that no other process uses, so that a port which is free there stays free.
        let [_, high, middle, low] = std::process::id().to_be_bytes();
        let ours = Ipv4Addr::new(127, high | 0x80, middle, low);
        let free = UdpSocket::bind((ours, 0)).and_then(|socket| socket.local_addr()).expect("a free port");
        let login = UserPass::new("ann", "s3cret").expect("short enough");
        let offer = Offer::stepwise(login);
        let association =
            UdpAssociation::open_over(stream, Some(free), proxy.addr().ip(), offer).await.expect("an association");
        converse(&association, echo, echo).await;
    });
}

#[test]
fn at_a_proxy_on_a_unix_socket_after_one_that_is_down() {
    run(async {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("proxy");
        let proxy = ProxyConfig { listen: Listen::Unix(path.clone()), ..ProxyConfig::default() };
        let (_proxy, echo) = (Proxy::start(proxy).expect("a proxy"), udp_echo());
        let config = config(&format!("proxy 0.0.0.0/0 {},unix:{}", closed(), path.display()));
        let mut association = UdpAssociation::open(&config, echo).await.expect("an association");
        assert!(matches!(association.get_mut(), Socket::Unix(_)));
        converse(&association, echo, echo).await;
    });
}

#[test]
fn the_longest_payload_passes_and_one_byte_more_is_an_error() {
    run(async {
        let (proxy, echo) = (Proxy::start(ProxyConfig::default()).expect("a proxy"), udp_echo());
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        // What the header to an IPv4 address leaves.
        let longest = vec![0x5a; 65_507 - 10];
        association.send_to(&longest, echo).await.expect("sent");
        let mut buf = vec![0; 65_535];
        let (len, _) = soon(association.recv_from(&mut buf)).await.expect("an answer");
        assert!(buf[..len] == longest);
        let error = association.send_to(&[0; 65_507 - 9], echo).await.expect_err("too long");
        assert_eq!(*datagram_error(&error), DatagramError::PayloadTooLong { len: 65_498, most: 65_497 });
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        converse(&association, echo, echo).await;
    });
}

#[test]
fn a_buffer_that_is_too_short_is_an_error_and_no_cut() {
    run(async {
        let (proxy, echo) = (Proxy::start(ProxyConfig::default()).expect("a proxy"), udp_echo());
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        association.send_to(b"ping", echo).await.expect("sent");
        let error = soon(association.recv_from(&mut [0; 3])).await.expect_err("too short");
        assert_eq!(*datagram_error(&error), DatagramError::BufferTooShort { len: 4 });
        converse(&association, echo, echo).await;
    });
}

async fn at(proxy: &UdpProxy) -> UdpAssociation {
    let config = config(&format!("proxy 0.0.0.0/0 {}", proxy.addr()));
    UdpAssociation::open(&config, to("192.0.2.1:7")).await.expect("an association")
}

#[test]
fn fragments_are_joined_and_what_is_not_sound_is_dropped() {
    run(async {
        let proxy = UdpProxy::start();
        let association = at(&proxy).await;
        association.send_to(b"hello", to("192.0.2.1:7")).await.expect("sent");
        let (heard, client) = proxy.hear();
        assert_eq!(heard, b"\x00\x00\x00\x01\xc0\x00\x02\x01\x00\x07hello");
        let stranger = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        stranger.send_to(b"\x00\x00\x00\x01\xc0\x00\x02\x01\x00\x07forged", client).expect("room");
        proxy.send(b"\x00\x00", client);
        proxy.say(0x02, b"no beginning", client);
        proxy.say(0x01, b"joi", client);
        proxy.say(0x82, b"ned", client);
        proxy.say(0x00, b"whole", client);
        let mut buf = [0; 16];
        for expected in [&b"joined"[..], b"whole"] {
            let (len, from) = soon(association.recv_from(&mut buf)).await.expect("a datagram");
            assert_eq!((&buf[..len], from.to_string().as_str()), (expected, "192.0.2.1:7"));
        }
    });
}

#[test]
fn tasks_send_while_others_receive() {
    run(async {
        let proxy = UdpProxy::start();
        let association = Arc::new(at(&proxy).await);
        let receivers = [(); 3].map(|()| {
            let association = Arc::clone(&association);
            spawn(async move {
                let mut buf = [0; 16];
                let (len, _) = association.recv_from(&mut buf).await.expect("a datagram");
                buf[..len].to_vec()
            })
        });
        association.send_to(b"ping", to("192.0.2.1:7")).await.expect("sent");
        let (_, client) = proxy.hear();
        for payload in [b"one", b"two", b"six"] {
            proxy.say(0, payload, client);
        }
        let mut heard = Vec::new();
        for receiver in receivers {
            heard.push(soon(receiver).await);
        }
        heard.sort();
        assert_eq!(heard, [b"one", b"six", b"two"]);
    });
}

#[test]
fn a_receiver_that_gives_up_loses_nothing() {
    run(async {
        let proxy = UdpProxy::start();
        let association = at(&proxy).await;
        association.send_to(b"ping", to("192.0.2.1:7")).await.expect("sent");
        let (_, client) = proxy.hear();
        let mut buf = [0; 16];
        assert!(poll_once(association.recv_from(&mut buf)).await.is_none());
        proxy.say(0x01, b"joi", client);
        // The one that gives up may have taken the first fragment, or not.
        assert!(poll_once(association.recv_from(&mut buf)).await.is_none());
        proxy.say(0x82, b"ned", client);
        let (len, _) = soon(association.recv_from(&mut buf)).await.expect("a datagram");
        assert_eq!(&buf[..len], b"joined");
        // While one gives up, the other goes on waiting.
        let mut other = [0; 16];
        let mut waits = Box::pin(association.recv_from(&mut buf));
        assert!(poll_once(&mut waits).await.is_none());
        assert!(poll_once(association.recv_from(&mut other)).await.is_none());
        proxy.say(0, b"whole", client);
        let (len, _) = soon(waits).await.expect("a datagram");
        assert_eq!(&buf[..len], b"whole");
    });
}

#[test]
fn the_end_of_the_control_connection_ends_both_ways() {
    run(async {
        let proxy = UdpProxy::start();
        let association = at(&proxy).await;
        association.send_to(b"ping", to("192.0.2.1:7")).await.expect("sent");
        let (_, client) = proxy.hear();
        let association = Arc::new(association);
        // All of them wait, each in a task of its own, and each is told.
        let receivers = [(); 3].map(|()| {
            let association = Arc::clone(&association);
            spawn(async move { association.recv_from(&mut [0; 16]).await })
        });
        proxy.close();
        for receiver in receivers {
            let error = soon(receiver).await.expect_err("the end");
            assert_eq!(*datagram_error(&error), DatagramError::Closed);
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        }
        let error = association.send_to(b"ping", to("192.0.2.1:7")).await.expect_err("the end");
        assert_eq!(*datagram_error(&error), DatagramError::Closed);
        // What the relay had sent before is not lost.
        proxy.say(0, b"late", client);
        let mut buf = [0; 16];
        let (len, _) = soon(association.recv_from(&mut buf)).await.expect("a datagram");
        assert_eq!(&buf[..len], b"late");
    });
}

#[test]
fn a_proxy_that_goes_away_ends_the_association() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let echo = udp_echo();
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        converse(&association, echo, echo).await;
        drop(proxy);
        let error = soon(association.recv_from(&mut [0; 16])).await.expect_err("the end");
        assert_eq!(*datagram_error(&error), DatagramError::Closed);
    });
}

#[test]
fn dropping_it_ends_the_association() {
    run(async {
        let proxy = Proxy::start(ProxyConfig::default()).expect("a proxy");
        let echo = udp_echo();
        let association = UdpAssociation::open(&through(&proxy), echo).await.expect("an association");
        converse(&association, echo, echo).await;
        drop(association);
        let log = proxy.wait_for_log(1, PATIENCE);
        assert_eq!(log.len(), 1, "{log:?}");
    });
}

#[test]
fn a_relay_with_a_name_gives_the_stream_back() {
    run(async {
        let stream = dial(scripted(&[METHOD_NONE, b"\x05\x00\x00\x03\x01a\x04\x38"])).await;
        let ours = local_addr(&stream);
        let offer = Offer::stepwise(Login::None);
        let failed =
            UdpAssociation::open_over(stream, None, Ipv4Addr::LOCALHOST.into(), offer).await.expect_err("a name");
        assert!(matches!(failed.error(), Error::UnusableAnswer(_)), "{failed:?}");
        assert_eq!(local_addr(&failed.into_stream()), ours);
    });
}

#[test]
fn without_a_proxy_there_is_no_association() {
    run(async {
        let error = UdpAssociation::open(&Config::default(), udp_echo()).await.expect_err("direct");
        assert!(matches!(error, Error::Direct), "{error:?}");
    });
}
