//! Small peers on the loopback for the tests of adapters: targets, and proxies that misbehave in one way each.
//!
//! They run on threads of their own until the test ends.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use socks_proto::{ReplyCode, WireAddr, server, udp};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a [`target`] says first.
pub const BANNER: &[u8] = b"220 hello\r\n";
/// The choice of no login.
pub const METHOD_NONE: &[u8] = b"\x05\x00";
/// A request granted, with 127.0.0.1:1080 as BND.ADDR.
pub const GRANTED: &[u8] = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x04\x38";

/// A listener on the loopback whose connections are each given to `serve`, on a thread of their own.
pub fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Clone + Send + 'static) -> SocketAddr {
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
pub fn target() -> SocketAddr {
    listen(|mut stream| {
        stream.write_all(BANNER)?;
        let mut back = stream.try_clone()?;
        io::copy(&mut stream, &mut back)?;
        Ok(())
    })
}

/// A proxy that answers each read with the next of `answers`, then holds the connection in silence.
pub fn scripted(answers: &'static [&'static [u8]]) -> SocketAddr {
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
pub fn hangs_up() -> SocketAddr {
    listen(|stream| stream.shutdown(std::net::Shutdown::Both))
}

/// Repeats each datagram to its sender.
pub fn udp_echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let addr = socket.local_addr().expect("its address");
    thread::spawn(move || {
        let mut buf = vec![0; 65_535];
        while let Ok((len, from)) = socket.recv_from(&mut buf) {
            // A datagram of no bytes still is one.
            let _ = socket.send_to(&buf[..len], from);
        }
    });
    addr
}

/// A proxy whose relay is a socket of the test; closes the control connection when told, or when the test ends.
#[derive(Debug)]
pub struct UdpProxy {
    relay: UdpSocket,
    addr: SocketAddr,
    close: mpsc::Sender<()>,
}

impl UdpProxy {
    /// Takes one client.
    ///
    /// # Panics
    /// There is no port left.
    pub fn start() -> Self {
        let relay = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        relay.set_read_timeout(Some(PATIENCE)).expect("a setting");
        let bound = WireAddr::Ip(relay.local_addr().expect("an address"));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (close, closed) = mpsc::channel();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut said = METHOD_NONE.to_vec();
            server::encode_reply(ReplyCode::SUCCEEDED, &bound, &mut said);
            // Bytes without a meaning must not be taken for the end.
            said.extend_from_slice(b"noise");
            stream.write_all(&said).expect("room");
            // An answer, or the end of the test.
            let _ = closed.recv();
        });
        Self { relay, addr, close }
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What the client said, and where it sends from.
    ///
    /// # Panics
    /// Nothing comes in time.
    pub fn hear(&self) -> (Vec<u8>, SocketAddr) {
        let mut buf = [0; 256];
        let (len, from) = self.relay.recv_from(&mut buf).expect("a datagram");
        (buf[..len].to_vec(), from)
    }

    /// Ends the association.
    ///
    /// # Panics
    /// There is none.
    pub fn close(&self) {
        self.close.send(()).expect("a client");
    }

    /// Sends exactly this, from the relay.
    ///
    /// # Panics
    /// The system does not take it.
    pub fn send(&self, datagram: &[u8], to: SocketAddr) {
        self.relay.send_to(datagram, to).expect("room");
    }

    /// Sends a datagram of 192.0.2.1:7, from the relay.
    ///
    /// # Panics
    /// The system does not take it.
    pub fn say(&self, frag: u8, payload: &[u8], to: SocketAddr) {
        let mut datagram = Vec::new();
        let peer = WireAddr::Ip(([192, 0, 2, 1], 7).into());
        server::encode_datagram(&udp::Datagram { frag, peer, payload }, &mut datagram);
        self.send(&datagram, to);
    }
}
