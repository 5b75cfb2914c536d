//! What the futures are: small, and free to go to another thread.

mod common;

use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};

use common::{PATIENCE, config, to};
use socks_tokio::socks_adapter::{Negotiation, plan::Plan};
use socks_tokio::{
    DomainName, Listener, Login, Offer, Socket, UdpAssociation, connect, connect_over, connect_through, resolve,
    resolve_over, resolve_ptr, resolve_ptr_over, resolve_ptr_through, resolve_through,
};
use tokio::io::duplex;
use tokio::net::TcpStream;

/// The size of a future that may be spawned, as far as what it borrows lives long enough.
fn size<F: Future + Send>(future: &F) -> usize {
    size_of_val(future)
}

fn spawnable<F: Future + Send + 'static>(future: F) -> F {
    future
}

/// The core's state, with its longest messages inline in place of on the heap, is nearly all of it, and is there once.
const OVER_A_STREAM: usize = size_of::<TcpStream>() + size_of::<Negotiation>() + 64;
/// The same where two timers may run.
const OVER_A_STREAM_IN_TIME: usize = OVER_A_STREAM + 256;
/// One that connects by itself.
const BY_ROUTE: usize = size_of::<Plan<'_>>() + size_of::<Socket>() + size_of::<Negotiation>() + 512;
/// One that waits with nothing of its own but a target.
const WAITING: usize = 512;

#[tokio::test]
async fn futures_are_small_and_free() {
    let config = config("proxy 0.0.0.0/0 192.0.2.1");
    let (target, name, ip) =
        (to("mail.example:25"), DomainName::new("mail.example").expect("a name"), IpAddr::from([192, 0, 2, 7]));
    let route = config.route(&target);
    let stream = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let stream = std::net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a backlog");
        stream.set_nonblocking(true).expect("a setting");
        TcpStream::from_std(stream).expect("a runtime")
    };
    let offer = || Offer::stepwise(Login::None);
    let any = IpAddr::from(Ipv4Addr::LOCALHOST);
    let (proxy, answers) = (
        common::answering(&[common::METHOD_NONE, common::GRANTED]),
        common::answering(&[common::METHOD_NONE, common::GRANTED]),
    );
    let listener = Listener::bind_over(answers, target, offer()).await.expect("a listener");
    let association = UdpAssociation::open_over(proxy, None, any, offer()).await.expect("an association");
    let mut buf = [0; 16];

    let sizes = [
        ("connect", size(&connect(&config, target)), BY_ROUTE),
        ("connect_through", size(&connect_through(route, target, PATIENCE)), BY_ROUTE),
        ("connect_over", size(&spawnable(connect_over(stream(), target, offer()))), OVER_A_STREAM),
        ("connect_over, lent", size(&connect_over(&mut duplex(1).0, target, offer())), OVER_A_STREAM),
        ("Listener::bind", size(&Listener::bind(&config, target)), BY_ROUTE),
        ("Listener::bind_through", size(&Listener::bind_through(route, target, PATIENCE)), BY_ROUTE),
        ("Listener::bind_over", size(&spawnable(Listener::bind_over(stream(), target, offer()))), OVER_A_STREAM),
        ("Listener::accept_within", size(&spawnable(listener.accept_within(PATIENCE))), OVER_A_STREAM_IN_TIME),
        ("UdpAssociation::open", size(&UdpAssociation::open(&config, target)), BY_ROUTE),
        ("UdpAssociation::open_through", size(&UdpAssociation::open_through(route, PATIENCE)), BY_ROUTE),
        (
            "UdpAssociation::open_over",
            size(&spawnable(UdpAssociation::open_over(stream(), None, any, offer()))),
            OVER_A_STREAM,
        ),
        ("UdpAssociation::send_to", size(&association.send_to(b"ping", target)), WAITING),
        ("UdpAssociation::recv_from", size(&association.recv_from(&mut buf)), WAITING),
        ("resolve", size(&resolve(&config, name)), BY_ROUTE),
        ("resolve_through", size(&resolve_through(route, name, PATIENCE)), BY_ROUTE),
        ("resolve_over", size(&spawnable(resolve_over(stream(), name, offer()))), OVER_A_STREAM),
        ("resolve_ptr", size(&resolve_ptr(&config, ip)), BY_ROUTE),
        ("resolve_ptr_through", size(&resolve_ptr_through(route, ip, PATIENCE)), BY_ROUTE),
        ("resolve_ptr_over", size(&spawnable(resolve_ptr_over(stream(), ip, offer()))), OVER_A_STREAM),
    ];
    for (what, size, most) in sizes {
        println!("{size:5} bytes, of {most:5}: {what}");
    }
    for (what, size, most) in sizes {
        assert!(size <= most, "{what}: {size} bytes");
    }
}
