//! Peers on the loopback for the tests of this crate.

// Each test is a crate of its own and uses what it needs.
#![allow(dead_code)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socks_blocking::{Config, TargetAddr};
use socks_conformance::closed::ClosedPort;

/// Far more than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// As long as a test may wait for nothing to happen.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) const BANNER: &[u8] = b"220 hello\r\n";
pub(crate) const METHOD_NONE: &[u8] = b"\x05\x00";
pub(crate) const GRANTED: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38";

/// A listener on the loopback whose connections are each given to `serve`, on a thread of their own.
pub(crate) fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let serve = serve.clone();
            // A client that goes away is no failure of the peer.
            thread::spawn(move || drop(serve(stream)));
        }
    });
    addr
}

/// Says [`BANNER`], then repeats what it hears.
pub(crate) fn target() -> SocketAddr {
    listen(|mut stream| {
        stream.write_all(BANNER)?;
        let mut back = stream.try_clone()?;
        io::copy(&mut stream, &mut back)?;
        Ok(())
    })
}

/// A proxy that answers each read with the next of `answers`, then holds the connection in silence.
pub(crate) fn scripted(answers: &'static [&'static [u8]]) -> SocketAddr {
    listen(move |mut stream| {
        for answer in answers {
            if stream.read(&mut [0; 1024])? == 0 {
                return Ok(());
            }
            stream.write_all(answer)?;
        }
        io::copy(&mut stream, &mut io::sink())?;
        Ok(())
    })
}

/// Takes connections and closes them at once.
pub(crate) fn hangs_up() -> SocketAddr {
    listen(|stream| stream.shutdown(std::net::Shutdown::Both))
}

/// A port of the loopback that nobody listens on, to the end of the test.
pub(crate) fn closed() -> SocketAddr {
    Box::leak(Box::new(ClosedPort::new().expect("a free port"))).addr()
}

/// A configuration without faults.
pub(crate) fn config(text: &str) -> Config {
    let parsed = Config::parse("test", text.as_bytes());
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    parsed.config
}

pub(crate) fn to(target: &str) -> TargetAddr {
    target.parse().expect("a target")
}

/// Reads the banner, and hears back what is said.
pub(crate) fn converse(stream: &mut (impl Read + Write)) {
    let mut banner = [0; BANNER.len()];
    stream.read_exact(&mut banner).expect("the banner");
    assert_eq!(banner, BANNER);
    stream.write_all(b"ping").expect("room");
    let mut heard = [0; 4];
    stream.read_exact(&mut heard).expect("an answer");
    assert_eq!(&heard, b"ping");
}
