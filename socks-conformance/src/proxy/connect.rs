//! CONNECT (RFC 1928 §4).

use std::io;
use std::os::fd::OwnedFd;

use socks_proto::{ReplyCode, WireAddr};

use super::relay::relay;
use super::resolve::reply_code;
use super::session::Session;
use super::wait::local_addr;

pub(super) fn serve(session: &mut Session<'_>, target: &WireAddr) -> io::Result<()> {
    let upstream = match connect(session, target) {
        Ok(upstream) => upstream,
        Err(code) => return session.reply(Err(code)),
    };
    let config = &session.shared.config;
    let bound = if config.answer_unspecified { WireAddr::UNSPECIFIED } else { WireAddr::Ip(local_addr(&upstream)?) };
    session.reply(Ok(bound))?;
    relay(session, &upstream)
}

fn connect(session: &Session<'_>, target: &WireAddr) -> Result<OwnedFd, ReplyCode> {
    let config = &session.shared.config;
    let mut code = ReplyCode::HOST_UNREACHABLE;
    for addr in config.resolve(target)? {
        match session.shared.stop.connect(addr, config.connect_timeout) {
            Ok(upstream) => return Ok(upstream),
            Err(error) => code = reply_code(&error),
        }
    }
    Err(code)
}
