//! Proxies that are no good, each in a way of its own, on ports that follow each other.

use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

/// What such a proxy does next. After its last step it hangs up.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Reads something.
    Read,
    /// Says this.
    Say(&'static [u8]),
    /// Says nothing more, and keeps the connection.
    Wait,
}

use Step::{Read as Hear, Say, Wait};

/// The proxies by name; the first has the port that was asked for.
pub const PROXIES: &[(&str, &[Step])] = &[
    ("hangs up at once", &[]),
    ("hangs up after the greeting", &[Hear]),
    ("hangs up within the method", &[Hear, Say(b"\x05")]),
    ("hangs up after the method", &[Hear, Say(b"\x05\x00")]),
    ("hangs up after the request", &[Hear, Say(b"\x05\x00"), Hear]),
    ("hangs up within the reply", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x00\x00\x01\x0a")]),
    ("hangs up after the reply", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x00\x00\x01\x0a\x4d\x02\x01\x04\x38")]),
    ("is of the web", &[Hear, Say(b"HTTP/1.1 400 Bad Request\r\n\r\n")]),
    ("speaks first", &[Say(b"220 mail.example ESMTP\r\n"), Hear]),
    ("is SOCKS 4", &[Hear, Say(b"\x00\x5a\x00\x00\x00\x00\x00\x00")]),
    ("takes no method", &[Hear, Say(b"\x05\xff")]),
    ("wants a method nobody knows", &[Hear, Say(b"\x05\x80"), Hear]),
    ("wants a login nobody has", &[Hear, Say(b"\x05\x02"), Hear]),
    ("replies with garbage", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\xde\xad\xbe\xef\xde\xad\xbe\xef\xde\xad\xbe\xef")]),
    ("replies with an unknown code", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x55\x00\x01\x00\x00\x00\x00\x00\x00")]),
    ("refuses by rule", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00")]),
    ("knows no such name", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x04\x00\x01\x00\x00\x00\x00\x00\x00")]),
    ("has no network", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")]),
    ("says nothing", &[Wait]),
    ("says nothing after the method", &[Hear, Say(b"\x05\x00"), Wait]),
    ("stops within the reply", &[Hear, Say(b"\x05\x00"), Hear, Say(b"\x05\x00\x00"), Wait]),
];

/// Runs all of them from this port on.
pub(super) fn serve(first: u16) -> Result<()> {
    let mut threads = Vec::new();
    for (port, &(name, steps)) in (first..).zip(PROXIES) {
        let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))?;
        threads.push(thread::spawn(move || accept(&listener, name, steps)));
    }
    println!("ready");
    threads.into_iter().for_each(|thread| drop(thread.join()));
    Ok(())
}

fn accept(listener: &TcpListener, name: &'static str, steps: &'static [Step]) {
    while let Ok((stream, peer)) = listener.accept() {
        thread::spawn(move || {
            let outcome = play(stream, steps);
            println!("{name}: {peer}: {outcome:?}");
        });
    }
}

fn play(mut stream: TcpStream, steps: &[Step]) -> io::Result<()> {
    let mut room = [0; 1024];
    for step in steps {
        match step {
            Hear => drop(stream.read(&mut room)?),
            Say(words) => stream.write_all(words)?,
            // Until the other side has had enough.
            Wait => while stream.read(&mut room)? > 0 {},
        }
    }
    Ok(())
}
