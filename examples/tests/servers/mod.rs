//! The servers that the examples reach: as little of each as they need, on a port of the loopback.
//!
//! They run on threads of their own until the test ends.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::{Arc, mpsc};
use std::thread;

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the page says.
pub(crate) const BODY: &str = "hello\n";

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    // The default of std is 128, which a thousand connections at once overrun.
    rustix::net::listen(&listener, 4096).expect("a longer queue");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}

/// Has one page, and serves one client after the other.
pub(crate) fn web_server() -> u16 {
    let (listener, port) = listen();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is no failure of the server.
            let _ = serve_page(stream);
        }
    });
    port
}

fn serve_page(stream: TcpStream) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut lines = Vec::new();
    while !lines.ends_with(b"\r\n\r\n") {
        if stream.read_until(b'\n', &mut lines)? == 0 {
            return Ok(());
        }
    }
    let status = if lines.starts_with(b"GET / HTTP/1.1\r\nHost: www.example") { "200 OK" } else { "404 Not Found" };
    write!(stream.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{BODY}", BODY.len())
}

/// Knows two addresses of every name.
pub(crate) fn name_server() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("an address").port();
    thread::spawn(move || {
        let mut buf = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut buf) {
            // The number of the question, an answer, one question and two answers.
            let mut answer = [&buf[..2], b"\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00", &buf[12..len]].concat();
            for last in [80, 81] {
                // A pointer to the name of the question, type A, class IN, a minute, four octets.
                answer.extend_from_slice(b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02");
                answer.push(last);
            }
            let _ = socket.send_to(&answer, from);
        }
    });
    port
}

/// A mail, as it came.
pub(crate) struct Mail {
    pub(crate) envelope: Vec<String>,
    pub(crate) text: String,
}

/// Takes one mail, over TLS alone. Gives its port, its certificate, and what it takes.
pub(crate) fn mail_server(name: &str) -> (u16, String, mpsc::Receiver<Mail>) {
    let (listener, port) = listen();
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a key that fits");
    let (sender, mails) = mpsc::channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mail = take_mail(stream, Arc::new(config)).expect("a client that can SMTP");
        // The test may have ended already.
        let _ = sender.send(mail);
    });
    (port, made.cert.pem(), mails)
}

fn take_mail(mut stream: TcpStream, config: Arc<ServerConfig>) -> io::Result<Mail> {
    stream.write_all(b"220 mail.example\r\n")?;
    assert!(line(&mut stream)?.starts_with("EHLO "));
    stream.write_all(b"250-mail.example\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")?;
    assert_eq!(line(&mut stream)?, "STARTTLS");
    stream.write_all(b"220 go ahead\r\n")?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    assert!(line(&mut stream)?.starts_with("EHLO "));
    stream.write_all(b"250 mail.example\r\n")?;
    let mut envelope = Vec::new();
    for _ in 0..2 {
        envelope.push(line(&mut stream)?);
        stream.write_all(b"250 ok\r\n")?;
    }
    assert_eq!(line(&mut stream)?, "DATA");
    stream.write_all(b"354 go ahead\r\n")?;
    let mut text = String::new();
    loop {
        match line(&mut stream)?.as_str() {
            "." => break,
            line => text.extend([line, "\r\n"]),
        }
    }
    stream.write_all(b"250 kept\r\n")?;
    assert_eq!(line(&mut stream)?, "QUIT");
    stream.write_all(b"221 bye\r\n")?;
    Ok(Mail { envelope, text })
}

/// One line, and nothing of what follows.
fn line(stream: &mut impl Read) -> io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).map_err(io::Error::other)
}
