//! A program run to its end under ptrace(2), with one of its system calls made to fail.
//!
//! libsocks makes its system calls itself, so no library that is loaded before it could get in between. Here the kernel
//! stops the program at each call: what it asks for is seen, and what it is told can be something else.

use std::io::Read;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use libc::{c_long, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::plan::{Call, Fault, Plan, Seen};

/// What the program calls before and after each function in which a fault may strike.
const MARKER: c_long = libc::SYS_getppid;

/// Why no program can be traced on this machine.
pub(crate) fn obstacle() -> Option<String> {
    run(&mut Command::new("true"), None, PROMPT).err().map(|why| format!("{why:#}"))
}

/// How long a program may take that does nothing.
const PROMPT: Duration = Duration::from_secs(10);

/// Runs it, and ends it where it takes longer than `patience`.
pub(crate) fn run(command: &mut Command, plan: Option<Plan>, patience: Duration) -> Result<Seen> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // SAFETY: between fork and exec, one system call.
    unsafe { command.pre_exec(|| ptrace::traceme().map_err(Into::into)) };
    let child = command.spawn().with_context(|| format!("cannot trace {}", command.get_program().display()))?;
    let pid = Pid::from_raw(i32::try_from(child.id())?);
    let (finish, finished) = mpsc::channel::<()>();
    // The kernel wants this thread to trace; so another one has the patience.
    let watch = thread::spawn(move || {
        let late = finished.recv_timeout(patience) == Err(RecvTimeoutError::Timeout);
        if late {
            let _ = kill(pid, Signal::SIGKILL);
        }
        late
    });
    let outcome = Tracer { pid, plan, seen: Seen::default(), is_open: false, struck: None }.follow();
    if outcome.is_err() {
        let _ = kill(pid, Signal::SIGKILL);
    }
    drop(finish);
    let late = watch.join().unwrap_or(false);
    let mut seen = outcome?;
    seen.printed = printed(child)?;
    if late {
        seen.end = Some("hangs".to_owned());
    }
    Ok(seen)
}

/// What it wrote, which is little enough for the pipes to have held it.
fn printed(mut child: Child) -> Result<String> {
    let mut text = Vec::new();
    child.stdout.take().context("a pipe")?.read_to_end(&mut text)?;
    child.stderr.take().context("a pipe")?.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

struct Tracer {
    pid: Pid,
    plan: Option<Plan>,
    seen: Seen,
    /// Between two markers.
    is_open: bool,
    /// The registers of the call that the fault strikes, as they were before it.
    struck: Option<user_regs_struct>,
}

impl Tracer {
    fn follow(mut self) -> Result<Seen> {
        let first = self.wait()?;
        ensure!(matches!(first, WaitStatus::Stopped(_, Signal::SIGTRAP)), "the program began with {first:?}");
        ptrace::setoptions(
            self.pid,
            Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL,
        )?;
        let mut signal = None;
        let mut is_in_call = false;
        loop {
            ptrace::syscall(self.pid, signal.take())?;
            match self.wait()? {
                // The kernel stops it before and after each call.
                WaitStatus::PtraceSyscall(_) => {
                    is_in_call = !is_in_call;
                    if is_in_call { self.enter()? } else { self.leave()? }
                }
                WaitStatus::PtraceEvent(..) => {}
                WaitStatus::Stopped(_, told) => signal = Some(told),
                WaitStatus::Exited(_, 0) => return Ok(self.seen),
                WaitStatus::Exited(_, status) => {
                    self.seen.end = Some(format!("ends with {status}"));
                    return Ok(self.seen);
                }
                WaitStatus::Signaled(_, signal, _) => {
                    self.seen.end = Some(format!("dies of {signal}"));
                    return Ok(self.seen);
                }
                status => bail!("the program is {status:?}"),
            }
        }
    }

    fn wait(&self) -> Result<WaitStatus> {
        loop {
            match waitpid(self.pid, Some(WaitPidFlag::__WALL)) {
                Err(nix::errno::Errno::EINTR) => {}
                outcome => return outcome.context("waiting for the program"),
            }
        }
    }

    /// A call is about to be made.
    fn enter(&mut self) -> Result<()> {
        let regs = ptrace::getregs(self.pid)?;
        let number = regs.orig_rax as c_long;
        if number == MARKER {
            self.is_open = !self.is_open;
            return Ok(());
        }
        let to = match number {
            libc::SYS_connect => self.address(regs.rsi)?,
            libc::SYS_sendto => self.address(regs.r8)?,
            _ => None,
        };
        self.seen.sent_to.extend(to);
        if !self.is_open {
            return Ok(());
        }
        let nth = self.seen.calls.iter().filter(|call| call.number == number).count();
        self.seen.calls.push(Call { number, args: [regs.rdi, regs.rsi, regs.rdx] });
        let Some(plan) = self.plan.filter(|plan| plan.number == number && plan.nth == nth) else { return Ok(()) };
        self.seen.struck = true;
        self.struck = Some(regs);
        let mut changed = regs;
        match plan.fault {
            // There is no such call: the kernel makes none.
            Fault::Instead(_) => changed.orig_rax = u64::MAX,
            Fault::Short => changed.rdx = regs.rdx.min(1),
            Fault::After(_) => return Ok(()),
        }
        Ok(ptrace::setregs(self.pid, changed)?)
    }

    /// A call was made.
    fn leave(&mut self) -> Result<()> {
        let (Some(before), Some(plan)) = (self.struck.take(), self.plan) else { return Ok(()) };
        let mut regs = ptrace::getregs(self.pid)?;
        // The program finds its arguments as it left them.
        regs.rdx = before.rdx;
        if let Fault::Instead(error) | Fault::After(error) = plan.fault {
            regs.rax = i64::from(-error) as u64;
        }
        Ok(ptrace::setregs(self.pid, regs)?)
    }

    /// The address of IP that stands there in the program's memory.
    fn address(&self, at: u64) -> Result<Option<SocketAddr>> {
        if at == 0 {
            return Ok(None);
        }
        let mut octets = [0; 32];
        for (index, word) in octets.chunks_exact_mut(8).enumerate() {
            let word_at = at.wrapping_add(index as u64 * 8);
            // A shorter address may stand at the very end of what can be read.
            let Ok(read) = ptrace::read(self.pid, word_at as ptrace::AddressType) else { break };
            word.copy_from_slice(&read.to_ne_bytes());
        }
        let port = u16::from_be_bytes([octets[2], octets[3]]);
        match i32::from(u16::from_ne_bytes([octets[0], octets[1]])) {
            libc::AF_INET => {
                let ip: [u8; 4] = octets[4..8].try_into()?;
                Ok(Some(SocketAddr::new(ip.into(), port)))
            }
            libc::AF_INET6 => {
                let ip: [u8; 16] = octets[8..24].try_into()?;
                Ok(Some(SocketAddr::new(std::net::IpAddr::from(ip).to_canonical(), port)))
            }
            _ => Ok(None),
        }
    }
}
