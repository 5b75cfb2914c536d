//! The scripted proxy behind a descriptor: over anything that reads and writes, on a loopback port, on a socket pair.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::script::{Act, Script};

/// A client that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream whose write side can be closed alone.
pub trait Wire: Read + Write {
    /// Tells the other side that nothing more will come.
    ///
    /// # Errors
    /// The stream is gone.
    fn close_write(&mut self) -> io::Result<()>;
}

impl Wire for TcpStream {
    fn close_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

impl Wire for UnixStream {
    fn close_write(&mut self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// Plays a script to the client at the other end, until that closes.
///
/// # Errors
/// What the client did that the script does not allow.
pub fn play(script: Script, wire: &mut impl Wire) -> Result<(), String> {
    let mut unsaid = Vec::new();
    let mut acts = script.acts.into_iter();
    for act in acts.by_ref() {
        match act {
            Act::Give(bytes) => {
                if wire.write_all(&bytes).is_err() {
                    break;
                }
            }
            // A proxy that will say nothing more does not wait.
            Act::Expect(bytes) if !script.complete => unsaid.extend(bytes),
            Act::Expect(bytes) => hear(wire, &bytes)?,
        }
    }
    if script.closes {
        // The client may be gone already: then there is nobody to tell.
        let _ = wire.close_write();
    }
    let mut rest = Vec::new();
    match wire.read_to_end(&mut rest) {
        Err(error) if is_timeout(&error) => return Err("the client waits for ever".into()),
        // A client that closes with bytes unread resets the connection.
        _ => {}
    }
    if unsaid.starts_with(&rest) { Ok(()) } else { Err(format!("the client says too much: {}", rest.escape_ascii())) }
}

fn hear(wire: &mut impl Read, expected: &[u8]) -> Result<(), String> {
    let mut heard = vec![0; expected.len()];
    let mut len = 0;
    while len < expected.len() {
        match wire.read(&mut heard[len..]) {
            Ok(0) => return Err(format!("the client closed before {}", expected[len..].escape_ascii())),
            Ok(n) => len += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if is_timeout(&error) => return Err("the client waits for ever".into()),
            Err(error) => return Err(error.to_string()),
        }
        if heard[..len] != expected[..len] {
            return Err(format!(
                "the client says {}, expected {}",
                heard[..len].escape_ascii(),
                expected.escape_ascii()
            ));
        }
    }
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// A scripted proxy on a loopback port, for one connection.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    /// Whether somebody came, so that the port is nobody's any more, or another's.
    is_met: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), String>>,
}

impl Peer {
    /// Listens; the script is played to whoever connects first.
    ///
    /// # Errors
    /// There is no port, or no thread.
    pub fn listen(script: Script) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let is_met = Arc::<AtomicBool>::default();
        let met = Arc::clone(&is_met);
        let thread = thread::Builder::new().spawn(move || {
            let (mut wire, _) = listener.accept().map_err(|error| error.to_string())?;
            met.store(true, Ordering::Release);
            let set_up = wire.set_nodelay(true).and_then(|()| wire.set_read_timeout(Some(PATIENCE)));
            set_up.map_err(|error| error.to_string())?;
            play(script, &mut wire)
        })?;
        Ok(Self { addr, is_met, thread })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits for the end of the script.
    ///
    /// # Errors
    /// What the client did that the script does not allow.
    pub fn finish(self) -> Result<(), String> {
        // A client that never connected must not keep the thread for ever. Else the port may be another test's by now.
        if !self.is_met.load(Ordering::Acquire) {
            drop(TcpStream::connect(self.addr));
        }
        join(self.thread)
    }
}

/// A scripted proxy at the other end of a socket pair.
#[derive(Debug)]
pub struct Paired {
    thread: JoinHandle<Result<(), String>>,
}

impl Paired {
    /// Begins to play; the stream is the client's end.
    ///
    /// # Errors
    /// There is no descriptor, or no thread.
    pub fn new(script: Script) -> io::Result<(UnixStream, Self)> {
        let (client, mut wire) = UnixStream::pair()?;
        wire.set_read_timeout(Some(PATIENCE))?;
        let thread = thread::Builder::new().spawn(move || play(script, &mut wire))?;
        Ok((client, Self { thread }))
    }

    /// Waits for the end of the script. The client's end has to be closed by then.
    ///
    /// # Errors
    /// What the client did that the script does not allow.
    pub fn finish(self) -> Result<(), String> {
        join(self.thread)
    }
}

fn join(thread: JoinHandle<Result<(), String>>) -> Result<(), String> {
    thread.join().unwrap_or_else(|_| Err("the scripted proxy panicked".into()))
}
