//! What the programs connect to: a service that answers, calls back, and counts every byte.
//!
//! It reads lines. `who` is answered with the client's address as it is seen here, `call ADDRESS` with a
//! connection to that address, on which the service says `calling` and then does as on any other, and any other
//! line with itself.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A client that says nothing for longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Target {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    bytes: AtomicU64,
    clients: Mutex<Vec<JoinHandle<()>>>,
}

impl Target {
    pub(crate) fn start(addr: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(addr)?;
        let addr = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let acceptor = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                while let Ok((client, _)) = listener.accept() {
                    if shared.stop.load(Ordering::Acquire) {
                        break;
                    }
                    let thread = {
                        let shared = Arc::clone(&shared);
                        // A client that goes away is no fault of the test's: the program's transcript tells.
                        thread::spawn(move || _ = shared.serve(&client))
                    };
                    shared.clients.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
                }
            })
        };
        Ok(Self { addr, shared, acceptor: Some(acceptor) })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the end of all connections. How many bytes went over them, both ways together.
    pub(crate) fn finish(mut self) -> u64 {
        self.stop();
        let clients = std::mem::take(&mut *self.shared.clients.lock().unwrap_or_else(PoisonError::into_inner));
        for client in clients {
            let _ = client.join();
        }
        self.shared.bytes.load(Ordering::Acquire)
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Release);
        if let Some(acceptor) = self.acceptor.take() {
            // Wakes it up.
            drop(TcpStream::connect(self.addr));
            let _ = acceptor.join();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn serve(&self, client: &TcpStream) -> io::Result<()> {
        client.set_read_timeout(Some(PATIENCE))?;
        client.set_nodelay(true)?;
        let mut lines = BufReader::new(client);
        let mut line = String::new();
        while lines.read_line(&mut line)? > 0 {
            self.count(&line);
            if line == "who\n" {
                self.say(client, &format!("{}\n", client.peer_addr()?))?;
            } else if let Some(addr) = line.strip_prefix("call ") {
                let call =
                    addr.trim().parse().map_err(io::Error::other).and_then(|addr: SocketAddr| TcpStream::connect(addr));
                match call {
                    Ok(call) => {
                        self.say(client, &format!("calling from {}\n", call.local_addr()?))?;
                        self.say(&call, "calling\n")?;
                        self.serve(&call)?;
                    }
                    Err(error) => self.say(client, &format!("no call: {error}\n"))?,
                }
            } else {
                self.say(client, &line)?;
            }
            line.clear();
        }
        Ok(())
    }

    fn say(&self, mut client: &TcpStream, line: &str) -> io::Result<()> {
        client.write_all(line.as_bytes())?;
        self.count(line);
        Ok(())
    }

    fn count(&self, line: &str) {
        self.bytes.fetch_add(line.len() as u64, Ordering::AcqRel);
    }
}
