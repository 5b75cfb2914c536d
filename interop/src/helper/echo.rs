//! A service that sends back what it is sent: how much that is, and who closes first, stands at its beginning. See
//! `content` in `c/soak.c`.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::ops::RangeInclusive;
use std::thread;

use anyhow::{Result, anyhow};

use super::{each_connection, listen};

/// The length of the message in network order, this included; whether to close first; three bytes that are nothing.
const HEADER: usize = 8;

/// Serves all of these ports.
pub(super) fn serve(ports: RangeInclusive<u16>) -> Result<()> {
    let listeners = ports.map(|port| listen(&port.to_string())).collect::<Result<Vec<_>>>()?;
    let threads: Vec<_> = listeners
        .into_iter()
        .map(|listener| thread::spawn(move || each_connection(&listener, |stream, _| echo(stream))))
        .collect();
    // None of them ends but by an error.
    threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| anyhow!("a listener panicked"))?)
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut buffer = [0; 16 * 1024];
    let mut got = 0;
    while got < HEADER {
        match stream.read(&mut buffer[got..])? {
            // It was abandoned.
            0 => return Ok(()),
            n => got += n,
        }
    }
    let length = u32::from_be_bytes([buffer[0], buffer[1], buffer[2], buffer[3]]) as usize;
    let close_first = buffer[4] == 1;
    let mut left = length;
    while got > 0 {
        left = left.checked_sub(got).ok_or_else(|| io::Error::other(format!("more than {length} bytes came")))?;
        stream.write_all(&buffer[..got])?;
        if left == 0 && close_first {
            return Ok(());
        }
        got = stream.read(&mut buffer)?;
    }
    if left > 0 { Err(io::Error::other(format!("{left} of {length} bytes did not come"))) } else { Ok(()) }
}
