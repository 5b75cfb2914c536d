//! A proxy that is the target as well, and gives or takes as much as it is told: nothing but the stream in between.
//!
//! It knows the messages of [`floor::stepwise`](crate::floor::stepwise) and of those who say the same.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use anyhow::Result;

const PIECE: usize = 64 * 1024;

/// Prints its port, and serves until standard input ends.
pub(crate) fn run() -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who hangs up has what it wanted, or says itself what it lacks.
            thread::spawn(move || serve(stream));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    grant(&mut stream)?;
    let mut order = [0; 9];
    stream.read_exact(&mut order)?;
    let [kind, octets @ ..] = order;
    let octets = u64::from_be_bytes(octets);
    if kind == b's' {
        let taken = io::copy(&mut (&mut stream).take(octets), &mut io::sink())?;
        return if taken == octets { stream.write_all(b"!") } else { Ok(()) };
    }
    let piece = vec![0; PIECE];
    let mut left = octets;
    while left > 0 {
        let now = piece.len().min(usize::try_from(left).unwrap_or(PIECE));
        stream.write_all(&piece[..now])?;
        left -= now as u64;
    }
    Ok(())
}

/// Without a login, to a name.
fn grant(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut greeting = [0; 2];
    stream.read_exact(&mut greeting)?;
    stream.read_exact(&mut vec![0; usize::from(greeting[1])])?;
    stream.write_all(&[5, 0])?;
    let mut request = [0; 5];
    stream.read_exact(&mut request)?;
    if request[..4] != [5, 1, 0, 3] {
        return Err(io::ErrorKind::InvalidData.into());
    }
    stream.read_exact(&mut vec![0; usize::from(request[4]) + 2])?;
    stream.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 4, 56])
}
