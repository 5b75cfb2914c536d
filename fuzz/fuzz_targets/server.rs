//! What a client may send, through the decoders of the other half: each message is whole at one length, whatever follows,
//! and never asks for a byte more than that. What a client of ours would send for it is the same bytes.

#![no_main]

use std::fmt::Debug;

use libfuzzer_sys::fuzz_target;
use socks_proto::server::{Status, decode_greeting, decode_login, decode_request};
use socks_proto::{Command, Handshake, Login, Malformed, Offer, Step, TargetAddr};

/// A greeting of one method, which a flight begins with.
const GREETING: usize = 3;

fuzz_target!(|input: &[u8]| {
    if let Some((methods, len)) = whole(input, decode_greeting) {
        assert_eq!(methods, &input[2..len]);
    }
    if let Some((login, len)) = whole(input, decode_login) {
        assert_eq!(format!("{login:?}"), "UserPass(<redacted>)");
        let flight = flight(Command::Connect(TargetAddr::UNSPECIFIED), login);
        assert_eq!(flight[GREETING..][..len], input[..len]);
    }
    if let Some(((code, addr), len)) = whole(input, decode_request)
        && let Ok(target) = TargetAddr::try_from(addr)
        && let commands = [Command::Connect(target), Command::Bind(target), Command::UdpAssociate(target)]
        && let Some(command) = commands.into_iter().find(|command| command.code() == code)
    {
        // RSV is not looked at, and sent as zero.
        let request = flight(command, Login::None)[GREETING..].to_vec();
        assert_eq!((request.len(), &request[..2], &request[3..]), (len, &input[..2], &input[3..len]));
    }
});

/// Decodes `input` and each beginning of it; gives the message and its length, if it is whole.
fn whole<'a, T>(input: &'a [u8], decode: impl Fn(&'a [u8]) -> Result<Status<T>, Malformed>) -> Option<(T, usize)>
where
    T: Debug + PartialEq,
{
    let (value, len) = match decode(input) {
        Ok(Status::Complete { value, len }) => (Some(value), len),
        Ok(Status::Partial { .. }) => (None, input.len() + 1),
        Err(_) => return None,
    };
    for end in 0..len.min(input.len()) {
        match decode(&input[..end]) {
            Ok(Status::Partial { at_least }) => assert!(value.is_none() || end + at_least.get() <= len),
            other => panic!("{end} of {len} bytes: {other:?}"),
        }
    }
    let value = value?;
    match decode(&input[..len]) {
        Ok(Status::Complete { value: alone, len: its }) => assert_eq!((alone, its), (value, len)),
        other => panic!("without what follows: {other:?}"),
    }
    match decode(input) {
        Ok(Status::Complete { value, len }) => Some((value, len)),
        _ => None,
    }
}

/// Greeting, login and request, as a client sends them at once.
fn flight(command: Command, login: impl Into<Login>) -> Vec<u8> {
    let mut handshake = Handshake::new(command, Offer::one_round_trip(login));
    match handshake.step() {
        Ok(Step::Send(bytes)) => bytes.to_vec(),
        other => panic!("{other:?}"),
    }
}
