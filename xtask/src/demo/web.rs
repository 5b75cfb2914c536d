//! A web server with one page.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

pub(super) const PAGE: &str = "Hello from a web server that only the proxy has spoken to.\n";

/// How long a client may take for its request.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs until this program ends.
pub(super) struct Server {
    addr: SocketAddr,
    visits: Arc<AtomicUsize>,
}

impl Server {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("starting the web server")?;
        let addr = listener.local_addr()?;
        let visits = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&visits);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                counter.fetch_add(1, Ordering::Relaxed);
                // A client that goes away is no failure of the server.
                let _ = answer(stream);
            }
        });
        Ok(Self { addr, visits })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections there were.
    pub(super) fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }
}

fn answer(mut stream: TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while request.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        line.clear();
    }
    let length = PAGE.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
    )
}
