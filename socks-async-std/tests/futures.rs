//! What the futures are: small, and free to go to another thread.

mod common;

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

use common::{METHOD_NONE, PATIENCE, config, dial, scripted, to};
use futures_lite::future::block_on;
use socks_async_std::async_io::Async;
use socks_async_std::socks_adapter::{Negotiation, plan::Plan};
use socks_async_std::{
    DomainName, Listener, Login, Offer, Socket, UdpAssociation, connect, connect_over, connect_through, resolve,
    resolve_over, resolve_ptr, resolve_ptr_over, resolve_ptr_through, resolve_through,
};

/// The size of a future that may be spawned, as far as what it borrows lives long enough.
fn size<F: Future + Send>(future: &F) -> usize {
    size_of_val(future)
}

fn spawnable<F: Future + Send + 'static>(future: F) -> F {
    future
}

/// The core's state, with its longest messages inline in place of on the heap, is nearly all of it, and is there once.
const OVER_A_STREAM: usize = size_of::<Async<TcpStream>>() + size_of::<Negotiation>() + 64;
/// The same where two timers may run.
const OVER_A_STREAM_IN_TIME: usize = OVER_A_STREAM + 256;
/// One that connects by itself.
const BY_ROUTE: usize = size_of::<Plan<'_>>() + size_of::<Socket>() + size_of::<Negotiation>() + 512;
/// One that waits with nothing of its own but a target.
const WAITING: usize = 512;

#[test]
fn futures_are_small_and_free() {
    block_on(async {
        let config = config("proxy 0.0.0.0/0 192.0.2.1");
        let (target, name, ip) =
            (to("mail.example:25"), DomainName::new("mail.example").expect("a name"), IpAddr::from([192, 0, 2, 7]));
        let route = config.route(&target);
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = silent.local_addr().expect("an address");
        let stream = || TcpStream::connect(addr).and_then(Async::new).expect("a backlog");
        let offer = || Offer::stepwise(Login::None);
        let any = IpAddr::from(Ipv4Addr::LOCALHOST);
        let granting = || async { dial(scripted(&[METHOD_NONE, common::GRANTED])).await };
        let listener = Listener::bind_over(granting().await, target, offer()).await.expect("a listener");
        let association =
            UdpAssociation::open_over(granting().await, None, any, offer()).await.expect("an association");
        let mut buf = [0; 16];

        let sizes = [
            ("connect", size(&connect(&config, target)), BY_ROUTE),
            ("connect_through", size(&connect_through(route, target, PATIENCE)), BY_ROUTE),
            ("connect_over", size(&spawnable(connect_over(stream(), target, offer()))), OVER_A_STREAM),
            ("connect_over, lent", size(&connect_over(&mut stream(), target, offer())), OVER_A_STREAM),
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
    });
}
