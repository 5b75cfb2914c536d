//! A gate in front of the proxy: what the proxy says gets through when the program opens it, and not before.
//!
//! So a test of a socket that is not connected yet needs no proxy that is slow, and no luck. The program opens the
//! gate by connecting to a Unix socket.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

pub(crate) struct Gate {
    addr: SocketAddr,
    lever: PathBuf,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl State {
    fn open(&self) {
        *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.opened.notify_all();
    }

    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(is_open, |is_open| !*is_open));
    }
}

impl Gate {
    /// A gate before `proxy`, which opens when someone connects to the path `lever`.
    pub(crate) fn start(proxy: SocketAddr, lever: &Path) -> io::Result<Self> {
        Self::start_with(proxy, lever, Duration::ZERO)
    }

    /// A gate that is open, and through which each connection is answered so much later than the one before.
    pub(crate) fn staggered(proxy: SocketAddr, lever: &Path, step: Duration) -> io::Result<Self> {
        let gate = Self::start_with(proxy, lever, step)?;
        gate.state.open();
        Ok(gate)
    }

    fn start_with(proxy: SocketAddr, lever: &Path, step: Duration) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let addr = listener.local_addr()?;
        let state = Arc::<State>::default();
        let pull = UnixListener::bind(lever)?;
        {
            let state = Arc::clone(&state);
            thread::spawn(move || {
                if pull.accept().is_ok() {
                    state.open();
                }
            });
        }
        {
            let state = Arc::clone(&state);
            // Ends with the test program: nothing waits for it.
            thread::spawn(move || {
                for number in 0.. {
                    let Ok((client, _)) = listener.accept() else { break };
                    let Ok(proxy) = TcpStream::connect(proxy) else { break };
                    let state = Arc::clone(&state);
                    thread::spawn(move || _ = relay(&client, &proxy, &state, step * number));
                }
            });
        }
        Ok(Self { addr, lever: lever.to_owned(), state })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // Whoever still stands before it goes on to find that everybody else has left.
        self.state.open();
        drop(UnixStream::connect(&self.lever));
    }
}

fn relay(client: &TcpStream, proxy: &TcpStream, state: &Arc<State>, delay: Duration) -> io::Result<()> {
    client.set_nodelay(true)?;
    proxy.set_nodelay(true)?;
    let back = {
        let (client, proxy, state) = (client.try_clone()?, proxy.try_clone()?, Arc::clone(state));
        thread::spawn(move || {
            state.pass();
            pump(&proxy, &client, delay);
        })
    };
    pump(client, proxy, Duration::ZERO);
    let _ = back.join();
    Ok(())
}

fn pump(mut from: &TcpStream, mut to: &TcpStream, delay: Duration) {
    let mut buf = [0; 4096];
    while let Ok(len @ 1..) = from.read(&mut buf) {
        thread::sleep(delay);
        if to.write_all(&buf[..len]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
