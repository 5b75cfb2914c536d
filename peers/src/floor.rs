//! What a handshake has to cost: written by hand for a target and a login that are known to fit, without a check of
//! anything but what decides, and without an error that says more than that there was one.

use std::io::{Read, Write};

/// Room for a request to the longest of names.
const REQUEST: usize = 4 + 1 + 255 + 2;
/// Room for the longest of logins.
const LOGIN: usize = 1 + 1 + 255 + 1 + 255;

/// The bound address: its octets, how many of them there are, and the port.
pub type Bound = ([u8; 255], usize, u16);

/// Message by message.
pub fn stepwise(stream: &mut (impl Read + Write), host: &str, port: u16) -> Option<Bound> {
    stream.write_all(&[5, 1, 0]).ok()?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).ok()?;
    if choice != [5, 0] {
        return None;
    }
    let (request, len) = request(host, port);
    stream.write_all(&request[..len]).ok()?;
    reply(stream)
}

/// Message by message, with a login.
pub fn login(
    stream: &mut (impl Read + Write),
    (username, password): (&str, &str),
    host: &str,
    port: u16,
) -> Option<Bound> {
    stream.write_all(&[5, 2, 0, 2]).ok()?;
    let mut answer = [0; 2];
    stream.read_exact(&mut answer).ok()?;
    if answer != [5, 2] {
        return None;
    }
    let mut message = [0; LOGIN];
    let (first, second) = (2 + username.len(), 3 + username.len() + password.len());
    message[0] = 1;
    message[1] = username.len() as u8;
    message[2..first].copy_from_slice(username.as_bytes());
    message[first] = password.len() as u8;
    message[first + 1..second].copy_from_slice(password.as_bytes());
    stream.write_all(&message[..second]).ok()?;
    stream.read_exact(&mut answer).ok()?;
    if answer != [1, 0] {
        return None;
    }
    let (request, len) = request(host, port);
    stream.write_all(&request[..len]).ok()?;
    reply(stream)
}

/// In one flight.
pub fn one_round_trip(stream: &mut (impl Read + Write), host: &str, port: u16) -> Option<Bound> {
    let (request, len) = request(host, port);
    let mut flight = [0; 3 + REQUEST];
    flight[..3].copy_from_slice(&[5, 1, 0]);
    flight[3..3 + len].copy_from_slice(&request[..len]);
    stream.write_all(&flight[..3 + len]).ok()?;
    let mut choice = [0; 2];
    stream.read_exact(&mut choice).ok()?;
    if choice != [5, 0] {
        return None;
    }
    reply(stream)
}

fn request(host: &str, port: u16) -> ([u8; REQUEST], usize) {
    let mut request = [0; REQUEST];
    let end = 5 + host.len();
    request[..5].copy_from_slice(&[5, 1, 0, 3, host.len() as u8]);
    request[5..end].copy_from_slice(host.as_bytes());
    request[end..end + 2].copy_from_slice(&port.to_be_bytes());
    (request, end + 2)
}

/// Reads the reply in two: as much as the shortest has, and what the first five octets say that there is more.
fn reply(stream: &mut impl Read) -> Option<Bound> {
    let mut reply = [0; REQUEST];
    stream.read_exact(&mut reply[..10]).ok()?;
    let (start, len) = match (reply[1], reply[3]) {
        (0, 1) => (4, 4),
        (0, 3) => (5, usize::from(reply[4])),
        (0, 4) => (4, 16),
        _ => return None,
    };
    let end = start + len;
    if end + 2 > 10 {
        stream.read_exact(&mut reply[10..end + 2]).ok()?;
    }
    let mut bound = [0; 255];
    bound[..len].copy_from_slice(&reply[start..end]);
    Some((bound, len, u16::from_be_bytes([reply[end], reply[end + 1]])))
}
