//! From the text of a file to a [`Vector`]. Errors are a line number and what is wrong there.

use socks_proto::udp::DatagramError;
use socks_proto::{
    AuthFailure, Command, DomainName, Error, LengthError, Login, Malformed, MethodId, ParseTargetError, Phase,
    Protection, ReplyCode, TargetAddr, UserPass, WireAddr,
};

use crate::gss;
use crate::text::{self, Piece};
use crate::vector::{Construct, Exchange, Line, MethodSpec, Milestone, OfferSpec, Refusal, Vector, What};

type Located = (usize, String);

/// A line `key: value`, with its number.
struct Entry<'a> {
    line: usize,
    key: &'a str,
    value: String,
}

pub(crate) fn vector(name: &str, text: &str) -> Result<Vector, Located> {
    let mut entries = entries(text)?;
    let title = take(&mut entries, "title")?.value;
    let cite = take(&mut entries, "cite")?.value;
    let outcome = take(&mut entries, "outcome");
    let has = |key| entries.iter().any(|entry| entry.key == key);
    let what = if has("command") {
        exchange(&mut entries, outcome?)?
    } else if has("datagram") {
        datagram(&mut entries, outcome?)?
    } else if has("target") {
        let target = at(&take(&mut entries, "target")?, target)?;
        let header = at(&take(&mut entries, "header")?, |value| Ok(text::bytes(value)?.bytes))?;
        What::Header { target, header }
    } else {
        construct(&take(&mut entries, "construct")?, &outcome?)?
    };
    match entries.first() {
        Some(entry) => Err((entry.line, format!("unknown, or once too often: {}", entry.key))),
        None => Ok(Vector { name: name.to_owned(), title, cite, what }),
    }
}

/// A line that begins with a blank goes on with the one before it.
fn entries(text: &str) -> Result<Vec<Entry<'_>>, Located> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with(' ') {
            let last = entries.last_mut().ok_or_else(|| (number, "nothing to go on with".to_owned()))?;
            // Comments end at their own line.
            last.value = format!("{} {}", without_comment(&last.value), line.trim());
            continue;
        }
        let (key, value) = line.split_once(':').ok_or_else(|| (number, "expected key: value".to_owned()))?;
        entries.push(Entry { line: number, key, value: value.trim().to_owned() });
    }
    Ok(entries)
}

fn without_comment(value: &str) -> &str {
    let mut quoted = false;
    let comment = value.char_indices().find(|(_, c)| {
        quoted ^= *c == '"';
        *c == '#' && !quoted
    });
    comment.map_or(value, |(at, _)| &value[..at])
}

fn take<'a>(entries: &mut Vec<Entry<'a>>, key: &str) -> Result<Entry<'a>, Located> {
    match entries.iter().position(|entry| entry.key == key) {
        Some(at) => Ok(entries.remove(at)),
        None => Err((1, format!("no {key}"))),
    }
}

fn at<T>(entry: &Entry<'_>, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Located> {
    parse(&entry.value).map_err(|what| (entry.line, what))
}

fn exchange(entries: &mut Vec<Entry<'_>>, outcome: Entry<'_>) -> Result<What, Located> {
    let command = at(&take(entries, "command")?, command)?;
    let offer = at(&take(entries, "offer")?, offer)?;
    let early = take(entries, "early").ok().map(|entry| at(&entry, text::bytes)).transpose()?;
    let mut script = Vec::new();
    let (mut said, mut decided_at, mut closes) = (0, None, false);
    for entry in entries.drain(..) {
        if closes {
            return Err((entry.line, "the proxy has closed".to_owned()));
        }
        match entry.key.split_once(' ').unwrap_or((entry.key, "")) {
            ("send", "") => script.push(Line::Send(at(&entry, text::bytes)?.bytes)),
            ("recv", "") if entry.value == "eof" => closes = true,
            ("recv", name) => {
                let phase = phase(name).map_err(|what| (entry.line, what))?;
                let read = at(&entry, text::bytes)?;
                if let Some(mark) = read.mark
                    && decided_at.replace(said + mark).is_some()
                {
                    return Err((entry.line, "a second mark".to_owned()));
                }
                said += read.bytes.len();
                script.push(Line::Recv(phase, read.bytes));
            }
            ("event", "") => script.push(Line::Event(at(&entry, event)?)),
            _ => return Err((entry.line, format!("unknown, or once too often: {}", entry.key))),
        }
    }
    let outcome = at(&outcome, self::outcome)?;
    // Where the proxy just stops in the middle, only its closing decides.
    let decided_at = decided_at.unwrap_or(if matches!(outcome, Err(Error::Eof { .. })) { said + 1 } else { said });
    let early = early.map(|early| early.bytes).unwrap_or_default();
    Ok(What::Exchange(Exchange { command, offer, script, decided_at, closes, early, outcome }))
}

fn datagram(entries: &mut Vec<Entry<'_>>, outcome: Entry<'_>) -> Result<What, Located> {
    let datagram = at(&take(entries, "datagram")?, text::bytes)?.bytes;
    let words: Vec<&str> = outcome.value.split_whitespace().collect();
    let outcome = match words[..] {
        ["delivered" | "fragment"] => {
            let frag = match take(entries, "frag") {
                Ok(entry) => at(&entry, text::byte)?,
                Err(_) => 0,
            };
            if (frag == 0) != (words[0] == "delivered") {
                return Err((outcome.line, "only fragment 0 is delivered".to_owned()));
            }
            let from = at(&take(entries, "from")?, wire_addr)?;
            let payload = at(&take(entries, "payload")?, text::bytes)?.bytes;
            Ok((frag, from, payload))
        }
        ["short"] => Err(DatagramError::Short { len: datagram.len() }),
        ["malformed", ref rest @ ..] => {
            Err(DatagramError::Malformed(malformed(rest).map_err(|what| (outcome.line, what))?))
        }
        _ => return Err((outcome.line, format!("no outcome of a datagram: {}", outcome.value))),
    };
    Ok(What::Datagram { datagram, outcome })
}

fn construct(construct: &Entry<'_>, outcome: &Entry<'_>) -> Result<What, Located> {
    let made = at(construct, |value| {
        Ok(match &text::pieces(value)?[..] {
            [Piece::Word(what), Piece::Quoted(name)] if what == "name" => Construct::Name(name.clone()),
            [Piece::Word(what), Piece::Quoted(user), Piece::Quoted(password)] if what == "userpass" => {
                Construct::UserPass(user.clone(), password.clone())
            }
            [Piece::Word(what), Piece::Quoted(text)] if what == "target" => {
                Construct::Target(String::from_utf8_lossy(text).into_owned())
            }
            _ => return Err("expected: name \"..\", userpass \"..\" \"..\" or target \"..\"".to_owned()),
        })
    })?;
    let outcome = at(outcome, |value| {
        Ok(match value.split_whitespace().collect::<Vec<_>>()[..] {
            ["length", len] => Refusal::Length(len.parse().map_err(|_| format!("not a number: {len}"))?),
            ["no-port"] => Refusal::Target(ParseTargetError::NoPort),
            ["bad-port"] => Refusal::Target(ParseTargetError::Port),
            ["bad-brackets"] => Refusal::Target(ParseTargetError::Brackets),
            _ => return Err(format!("no outcome of a constructor: {value}")),
        })
    })?;
    Ok(What::Construct { construct: made, outcome })
}

/// `mail.example:25`, `192.0.2.1:80`, `[::1]:80`, or `name 25 "caf" e9` in bytes.
fn target(value: &str) -> Result<TargetAddr, String> {
    match value.strip_prefix("name ") {
        Some(_) => wire_addr(value)?.try_into().map_err(|error: LengthError| error.to_string()),
        None => value.parse().map_err(|error| format!("{value}: {error}")),
    }
}

fn command(value: &str) -> Result<Command, String> {
    let (name, rest) = value.split_once(' ').ok_or("expected a command and its target")?;
    Ok(match name {
        "connect" => Command::Connect(target(rest)?),
        "bind" => Command::Bind(target(rest)?),
        "udp-associate" => Command::UdpAssociate(target(rest)?),
        "resolve" => Command::Resolve(rest.try_into().map_err(|error| format!("{rest}: {error}"))?),
        "resolve-ptr" => Command::ResolvePtr(rest.parse().map_err(|_| format!("not an address: {rest}"))?),
        _ => return Err(format!("unknown command {name}")),
    })
}

/// `none`, `userpass "ann" "s3cret"`, `gssapi legs=1 integrity least=none`, joined by `or`; `one-round-trip` before it.
fn offer(value: &str) -> Result<OfferSpec, String> {
    let mut pieces = text::pieces(value)?;
    let one_round_trip = pieces.first() == Some(&Piece::Word("one-round-trip".into()));
    if one_round_trip {
        pieces.remove(0);
    }
    let or = Piece::Word("or".into());
    let methods = pieces.split(|piece| *piece == or).map(method).collect::<Result<Vec<_>, _>>()?;
    match one_round_trip && (methods.len() > 1 || matches!(methods[0], MethodSpec::Gssapi { .. })) {
        true => Err("one round trip takes one of none and userpass".into()),
        false => Ok(OfferSpec { methods, one_round_trip }),
    }
}

fn method(pieces: &[Piece]) -> Result<MethodSpec, String> {
    match pieces {
        [Piece::Word(name)] if name == "none" => Ok(MethodSpec::Login(Login::None)),
        [Piece::Word(name), Piece::Quoted(user), Piece::Quoted(password)] if name == "userpass" => {
            let login = UserPass::new(user, password).map_err(|error| error.to_string())?;
            Ok(MethodSpec::Login(login.into()))
        }
        [Piece::Word(name), rest @ ..] if name == "gssapi" => {
            let (mut legs, mut proposed, mut least) = (1, Protection::Integrity, None);
            for piece in rest {
                let Piece::Word(word) = piece else { return Err("a text has no place in gssapi".into()) };
                match word.split_once('=') {
                    Some(("legs", count)) => legs = count.parse().map_err(|_| format!("not a number: {count}"))?,
                    Some(("least", level)) => least = Some(protection(level)?),
                    _ => proposed = protection(word)?,
                }
            }
            Ok(MethodSpec::Gssapi { legs, proposed, least: least.unwrap_or(proposed) })
        }
        _ => Err("expected none, userpass \"..\" \"..\" or gssapi".into()),
    }
}

fn protection(name: &str) -> Result<Protection, String> {
    Ok(match name {
        "none" => Protection::None,
        "integrity" => Protection::Integrity,
        "confidentiality" => Protection::Confidentiality,
        "selective" => Protection::Selective,
        _ => return Err(format!("unknown protection {name}")),
    })
}

fn phase(name: &str) -> Result<Phase, String> {
    Ok(match name {
        "method" => Phase::Method,
        "auth" => Phase::Authentication,
        "reply" => Phase::Reply,
        "second-reply" => Phase::SecondReply,
        _ => return Err(format!("unknown phase {name}")),
    })
}

fn event(value: &str) -> Result<Milestone, String> {
    let (name, rest) = value.split_once(' ').ok_or("expected an event and what it says")?;
    Ok(match name {
        "method" => Milestone::Method(MethodId(text::byte(rest)?)),
        "bound" => Milestone::Bound(wire_addr(rest)?),
        "accepted" => Milestone::Accepted(wire_addr(rest)?),
        _ => return Err(format!("unknown event {name}")),
    })
}

/// `127.0.0.1:1080`, `[::1]:1080`, `name 1080 "mail.example"` in bytes, `nameless 1080`.
fn wire_addr(value: &str) -> Result<WireAddr, String> {
    let port = |port: &str| port.parse().map_err(|_| format!("not a port: {port}"));
    match value.splitn(3, ' ').collect::<Vec<_>>()[..] {
        ["name", number, octets] => {
            let name = DomainName::new(text::bytes(octets)?.bytes).map_err(|error| error.to_string())?;
            Ok(WireAddr::Name(name, port(number)?))
        }
        ["nameless", number] => Ok(WireAddr::Nameless(port(number)?)),
        [addr] => addr.parse().map(WireAddr::Ip).map_err(|_| format!("not an address: {addr}")),
        _ => Err(format!("not an address: {value}")),
    }
}

fn outcome(value: &str) -> Result<Result<(), Error>, String> {
    let words: Vec<&str> = value.split_whitespace().collect();
    let auth = |failure| Ok(Err(Error::Authenticate(failure)));
    match words[..] {
        ["established"] => Ok(Ok(())),
        ["no-acceptable-method"] => Ok(Err(Error::NoAcceptableMethod)),
        ["refused", name, code] => Ok(Err(Error::Refused { phase: phase(name)?, code: ReplyCode(text::byte(code)?) })),
        ["eof", name] => Ok(Err(Error::Eof { phase: phase(name)? })),
        ["malformed", name, ref rest @ ..] => Ok(Err(Error::Malformed { phase: phase(name)?, what: malformed(rest)? })),
        ["login-refused", status] => auth(AuthFailure::LoginRefused { status: text::byte(status)? }),
        ["context-refused"] => auth(AuthFailure::ContextRefused),
        ["protection-too-weak", level] => auth(AuthFailure::ProtectionTooWeak { level: text::byte(level)? }),
        ["mechanism"] => auth(AuthFailure::Mechanism(gss::error())),
        _ => Err(format!("unknown outcome {value}")),
    }
}

fn malformed(words: &[&str]) -> Result<Malformed, String> {
    Ok(match *words {
        ["version", byte] => Malformed::Version(text::byte(byte)?),
        ["method-not-offered", byte] => Malformed::MethodNotOffered(MethodId(text::byte(byte)?)),
        ["address-type", byte] => Malformed::AddressType(text::byte(byte)?),
        ["message-type", byte] => Malformed::MessageType(text::byte(byte)?),
        ["protection-level", byte] => Malformed::ProtectionLevel(text::byte(byte)?),
        ["token-length", len] => Malformed::TokenLength(len.parse().map_err(|_| format!("not a number: {len}"))?),
        ["length"] => Malformed::Length,
        _ => return Err(format!("unknown fault {}", words.join(" "))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOUND: &str = "title: t\ncite: RFC 1928 §6\ncommand: connect a.example:1\noffer: none\n\
        send: 05 01 00\nrecv method: 05\n 00\nevent: method 00\noutcome: refused reply 05\n";

    #[test]
    fn a_line_can_go_on() {
        let What::Exchange(exchange) = vector("n", SOUND).unwrap().what else { panic!("an exchange") };
        assert_eq!(exchange.stream(), [5, 0]);
    }

    #[test]
    fn errors_name_their_line() {
        for (from, to, line) in [
            ("recv method: 05", "recv method: 5", 6),
            ("recv method", "recv nothing", 6),
            ("offer: none", "offer: some", 4),
            ("event: method 00", "colour: red", 8),
            ("outcome: refused reply 05", "outcome: luck", 9),
            ("title: t\n", "title: t\ntitle: u\n", 2),
        ] {
            let (at, what) = vector("n", &SOUND.replace(from, to)).unwrap_err();
            assert_eq!(at, line, "{what}");
        }
    }
}
