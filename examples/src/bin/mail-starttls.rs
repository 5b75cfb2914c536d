//! Sends a mail by SMTP with STARTTLS: `socks-blocking` and rustls. The message is read from the standard input.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use examples::{TIMEOUT, args};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use socks_blocking::{Config, ProxyUrl, TargetAddr, connect};

fn main() -> anyhow::Result<()> {
    let [server, from, to, certificates, proxy] = args("mail-starttls SERVER:PORT FROM TO CERTIFICATES PROXY")?;
    let (target, proxy): (TargetAddr, ProxyUrl) = (server.parse()?, proxy.parse()?);
    let host = server.rsplit_once(':').map_or(&server[..], |(host, _)| host).to_owned();
    let mut message = String::new();
    io::stdin().read_to_string(&mut message)?;

    let stream = connect(&Config::from_url(&proxy), target)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut plain = Smtp::new(stream);
    plain.expect(220)?;
    let extensions = plain.ask("EHLO client.example", 250)?;
    ensure!(extensions.iter().any(|line| line == "STARTTLS"), "the server has no TLS, and nothing goes without");
    plain.ask("STARTTLS", 220)?;

    // The plain TcpStream came back from the proxy, so TLS goes over it as over any.
    let mut smtp = Smtp::new(secured(plain.into_inner()?, host, &certificates)?);
    smtp.ask("EHLO client.example", 250)?;
    smtp.ask(&format!("MAIL FROM:<{from}>"), 250)?;
    smtp.ask(&format!("RCPT TO:<{to}>"), 250)?;
    smtp.ask("DATA", 354)?;
    for line in message.lines() {
        // A line that begins with a dot gets another (RFC 5321 §4.5.2).
        let dot = if line.starts_with('.') { "." } else { "" };
        smtp.say(&format!("{dot}{line}"))?;
    }
    let accepted = smtp.ask(".", 250)?;
    smtp.ask("QUIT", 221)?;
    println!("{}", accepted.join(" "));
    Ok(())
}

fn secured(
    stream: TcpStream,
    host: String,
    certificates: &str,
) -> anyhow::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(certificates).context("CERTIFICATES")? {
        roots.add(certificate?)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let connection = ClientConnection::new(Arc::new(config), ServerName::try_from(host)?)?;
    Ok(StreamOwned::new(connection, stream))
}

/// A dialogue of lines (RFC 5321 §4.2).
struct Smtp<S> {
    stream: BufReader<S>,
}

impl<S: Read + Write> Smtp<S> {
    fn new(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(format!("{line}\r\n").as_bytes())
    }

    fn ask(&mut self, line: &str, code: u16) -> anyhow::Result<Vec<String>> {
        self.say(line)?;
        self.expect(code).with_context(|| line.to_owned())
    }

    /// The text of a reply, which has to be of this code.
    fn expect(&mut self, code: u16) -> anyhow::Result<Vec<String>> {
        let mut texts = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the server has hung up");
            let line = line.trim_end();
            match line.strip_prefix(&code.to_string()) {
                Some(text) if text.starts_with('-') => texts.push(text[1..].to_owned()),
                Some(text) => {
                    texts.push(text.trim_start().to_owned());
                    return Ok(texts);
                }
                None => bail!("the server says {line}"),
            }
        }
    }

    /// The stream, with nothing read ahead that somebody in the middle has put there.
    fn into_inner(self) -> anyhow::Result<S> {
        ensure!(self.stream.buffer().is_empty(), "the server speaks out of turn");
        Ok(self.stream.into_inner())
    }
}
