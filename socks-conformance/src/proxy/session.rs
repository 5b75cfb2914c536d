//! One client, from its greeting to its end.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use socks_proto::server::{self, Status};
use socks_proto::{CommandCode, Malformed, MethodId, ReplyCode, UserPass, WireAddr};

use super::log::Record;
use super::{Client, Shared, bind, connect, udp};

/// Serves a client and writes its line.
pub(super) fn serve(shared: &Shared, client: Client) {
    let record = Record::new(client.from.clone());
    let mut session = Session { shared, client, input: Vec::new(), record };
    if let Err(error) = session.run()
        && session.record.outcome.is_empty()
    {
        session.record.outcome = error.to_string();
    }
    let Session { client, record, .. } = session;
    // Gone before its line is there: who has read the line finds the socket closed.
    drop(client);
    let line = record.to_string();
    if let Some(log) = &shared.config.log {
        log(&line);
    }
    shared.log.push(line);
}

pub(super) struct Session<'a> {
    pub(super) shared: &'a Shared,
    pub(super) client: Client,
    /// What the client has sent and nobody has looked at; after the request it belongs to the target.
    pub(super) input: Vec<u8>,
    pub(super) record: Record,
}

impl Session<'_> {
    fn run(&mut self) -> io::Result<()> {
        let wanted = if self.shared.config.login.is_some() { MethodId::USER_PASS } else { MethodId::NONE };
        let offered = self.message(|input| {
            Ok(match server::decode_greeting(input)? {
                Status::Complete { value, len } => Status::Complete { value: value.contains(&wanted.0), len },
                Status::Partial { at_least } => Status::Partial { at_least },
            })
        })?;
        if !offered {
            self.answer(|out| server::encode_method(MethodId::NO_ACCEPTABLE, out))?;
            return Err(io::Error::other("no acceptable method"));
        }
        self.record.method = Some(wanted);
        self.answer(|out| server::encode_method(wanted, out))?;
        if wanted == MethodId::USER_PASS {
            self.login()?;
        }
        let request = self.message(server::decode_request)?;
        self.record.request = Some(request);
        self.request(request.0, request.1)
    }

    fn login(&mut self) -> io::Result<()> {
        let login = self.message(server::decode_login)?;
        self.record.user = Some(login.username().to_vec());
        let known = self.shared.config.login.as_ref().and_then(|(user, password)| UserPass::new(user, password).ok());
        let status = u8::from(known.as_ref() != Some(&login));
        self.answer(|out| server::encode_login_status(status, out))?;
        if status == 0 { Ok(()) } else { Err(io::Error::other("login refused")) }
    }

    fn request(&mut self, command: CommandCode, target: WireAddr) -> io::Result<()> {
        match command {
            CommandCode::CONNECT => connect::serve(self, &target),
            CommandCode::BIND => bind::serve(self, &target),
            CommandCode::UDP_ASSOCIATE => udp::serve(self, &target),
            CommandCode::RESOLVE => {
                let found = self.shared.config.resolve(&target).and_then(|found| {
                    let first = found.first().ok_or(ReplyCode::HOST_UNREACHABLE)?;
                    Ok(WireAddr::Ip(SocketAddr::new(first.ip(), 0)))
                });
                self.reply(found)
            }
            CommandCode::RESOLVE_PTR => self.reply(self.shared.config.name_of(&target)),
            _ => self.reply(Err(ReplyCode::COMMAND_NOT_SUPPORTED)),
        }
    }

    /// Answers a request and notes the outcome; a refusal ends the session, as an error.
    pub(super) fn reply(&mut self, outcome: Result<WireAddr, ReplyCode>) -> io::Result<()> {
        let code = outcome.err().unwrap_or(ReplyCode::SUCCEEDED);
        self.record.outcome = code.to_string();
        self.answer(|out| server::encode_reply(code, &outcome.unwrap_or(WireAddr::UNSPECIFIED), out))?;
        if code == ReplyCode::SUCCEEDED { Ok(()) } else { Err(io::Error::other(code.to_string())) }
    }

    /// Sends one message, late where the proxy is to be slow.
    fn answer(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> io::Result<()> {
        let mut out = Vec::new();
        encode(&mut out);
        if let Some(delay) = self.shared.config.delay {
            self.shared.stop.wait::<0>([], Some(delay))?;
        }
        self.shared.stop.write_all(&self.client.socket, &out)
    }

    /// Reads until one message is whole, in as large pieces as come.
    fn message<T>(&mut self, decode: impl Fn(&[u8]) -> Result<Status<T>, Malformed>) -> io::Result<T> {
        loop {
            match decode(&self.input).map_err(io::Error::other)? {
                Status::Complete { value, len } => {
                    self.input.drain(..len);
                    return Ok(value);
                }
                Status::Partial { .. } => {
                    let mut buf = [0; 1024];
                    match self.shared.stop.read(&self.client.socket, &mut buf)? {
                        0 => return Err(ErrorKind::UnexpectedEof.into()),
                        n => self.input.extend_from_slice(&buf[..n]),
                    }
                }
            }
        }
    }
}
