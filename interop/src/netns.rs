//! The test network: three network namespaces in one process namespace, gone with the process that holds them.
//!
//! The namespaces have no names outside: they are files in a mount namespace of their own. So any number of runs
//! can share a machine, and a run that is killed leaves nothing behind: the holder reads a pipe from us, ends when
//! it ends, and as the first process of the process namespace it takes every server and program along.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{getegid, geteuid};

use crate::process;

/// Where the client finds the proxy: an address of each family.
pub const PROXY_NEAR: [IpAddr; 2] = both([10, 77, 1, 2], 1, 2);
/// Where the target sees the proxy.
pub const PROXY_FAR: [IpAddr; 2] = both([10, 77, 2, 1], 2, 1);
/// The target's addresses.
pub const TARGET: [IpAddr; 2] = both([10, 77, 2, 2], 2, 2);

const fn both(v4: [u8; 4], net: u16, host: u16) -> [IpAddr; 2] {
    [IpAddr::V4(Ipv4Addr::new(v4[0], v4[1], v4[2], v4[3])), IpAddr::V6(Ipv6Addr::new(0xfd77, net, 0, 0, 0, 0, 0, host))]
}

/// The user and the group of what must not run as root: the kernel's own for whom it does not know.
pub const NOBODY: u32 = 65534;

/// One machine of the test network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// Where the programs run; it reaches the proxy and nothing else.
    Client,
    /// Where the SOCKS servers run; it reaches both sides and forwards nothing.
    Proxy,
    /// Where the services run that the programs want.
    Target,
}

impl Node {
    const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Proxy => "proxy",
            Self::Target => "target",
        }
    }
}

/// Why there is no test network here: a reason to skip, in one line.
#[derive(Debug)]
pub struct Unavailable(pub String);

/// The target's name; the servers alone know it.
pub const TARGET_NAME: &str = "target.interop.example";
/// A name of the target that has an IPv6 address only; the servers alone know it.
pub const TARGET_NAME_V6: &str = "target6.interop.example";

/// What the client's node says to a destination that is not the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// ENETUNREACH.
    Unreachable,
    /// It sends the packet to the proxy's node, where it ends: what goes direct can be seen, and hears nothing.
    Void,
}

/// The three namespaces, for as long as the value lives.
#[derive(Debug)]
pub struct Network {
    holder: Child,
    /// Dropped to end the holder.
    lifeline: Option<ChildStdin>,
    folder: PathBuf,
    nsenter: PathBuf,
    unshare: PathBuf,
    root: bool,
}

impl Network {
    /// Makes the network; its files go to `folder`, which must be new and outlive it.
    pub fn new(folder: &Path, beyond: Beyond) -> Result<Self, Unavailable> {
        let tool = |name: &str| process::find(name).ok_or_else(|| Unavailable(format!("{name} is not installed")));
        let (nsenter, unshare) = (tool("nsenter")?, tool("unshare")?);
        tool("ip")?;
        let made = fs::create_dir(folder).and_then(|()| write_resolver_files(&folder.join("etc")));
        made.map_err(|e| Unavailable(format!("{}: {e}", folder.display())))?;
        let root = geteuid().is_root();

        let mut command = process::command(&unshare);
        if !root {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--pid", "--fork", "--kill-child", "--", "sh", "-ec", HOLDER, "holder"]);
        command.arg(folder).arg(if beyond == Beyond::Void { "void" } else { "unreachable" });
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut holder = command.spawn().map_err(|e| Unavailable(format!("unshare: {e}")))?;

        // One line says that all is made; the end of file without it, that something was not permitted.
        let (sender, receiver) = mpsc::channel();
        let stdout = holder.stdout.take().expect("stdout is piped");
        thread::spawn(move || {
            let mut line = String::new();
            let ready = BufReader::new(stdout).read_line(&mut line).is_ok() && line.trim() == "ready";
            let _ = sender.send(ready);
        });
        let ready = receiver.recv_timeout(Duration::from_secs(30)).unwrap_or(false);
        let lifeline = holder.stdin.take();
        if !ready {
            drop(lifeline);
            process::reap(&mut holder);
            let mut why = String::new();
            let _ = holder.stderr.take().expect("stderr is piped").read_to_string(&mut why);
            let why = why.trim().replace('\n', "; ");
            return Err(Unavailable(format!("network namespaces cannot be made: {why}")));
        }
        Ok(Self { holder, lifeline, folder: folder.to_owned(), nsenter, unshare, root })
    }

    /// A command that will run in `node` as the user who runs the test, with a clean environment.
    ///
    /// It is the leader of its own process group: kill that, as what is asked for may be a child of it.
    pub fn command(&self, node: Node, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.enter(node);
        self.be_user(&mut command);
        command.arg(program);
        command
    }

    /// Inside we are uid 0 without a right to any other; servers take that for the real thing. Be the user again.
    fn be_user(&self, command: &mut Command) {
        if !self.root {
            let (user, group) = (geteuid().as_raw(), getegid().as_raw());
            command.arg(&self.unshare).arg("--user");
            command.arg(format!("--map-user={user}")).arg(format!("--map-group={group}")).arg("--");
        }
    }

    /// As [`command`](Self::command), by a user without any rights: [`NOBODY`] in place of root.
    pub fn unprivileged_command(&self, node: Node, program: impl AsRef<OsStr>) -> Command {
        if !self.root {
            return self.command(node, program);
        }
        let mut command = self.command(node, "setpriv");
        command.arg(format!("--reuid={NOBODY}")).arg(format!("--regid={NOBODY}")).arg("--clear-groups");
        command.arg("--").arg(program);
        command
    }

    /// As [`command`](Self::command), with every right over the network.
    pub fn privileged_command(&self, node: Node, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.enter(node);
        command.arg(program);
        command
    }

    /// As [`command`](Self::command), with the right to mount: in a namespace of its own, after `script` of sh
    /// prepared that. `$1` of the script is `argument`.
    pub fn command_with_mounts(
        &self,
        node: Node,
        script: &str,
        argument: &Path,
        program: impl AsRef<OsStr>,
    ) -> Command {
        let mut command = self.mount_first(node, script, argument);
        command.arg(program);
        command
    }

    /// As [`command`](Self::command), where /etc/hosts is the file `hosts` of this folder.
    pub fn command_with_hosts(&self, node: Node, folder: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.mount_first(node, "mount --bind \"$1/hosts\" /etc/hosts", folder);
        self.be_user(&mut command);
        command.arg(program);
        command
    }

    fn mount_first(&self, node: Node, script: &str, argument: &Path) -> Command {
        let mut command = self.enter(node);
        command.arg(&self.unshare).args(["--mount", "--", "sh", "-ec"]);
        command.arg(format!("{script}\nshift; exec \"$@\"")).arg("sh").arg(argument);
        command
    }

    /// Whether the test runs as root, so that servers can change their user.
    pub fn is_root(&self) -> bool {
        self.root
    }

    fn enter(&self, node: Node) -> Command {
        let ns = format!("/proc/{}/ns", self.holder.id());
        let mut command = process::command(&self.nsenter);
        if !self.root {
            command.arg(format!("--user={ns}/user")).arg("--preserve-credentials");
        }
        command.arg(format!("--mount={ns}/mnt")).arg(format!("--pid={ns}/pid_for_children")).arg("--");
        // The files of the network namespaces exist inside only, hence a second step.
        let mut net = self.folder.join(node.name()).into_os_string();
        net.push("/net");
        command.arg(&self.nsenter);
        let mut argument = OsString::from("--net=");
        argument.push(net);
        let mut folder = OsString::from("--wd=");
        folder.push(&self.folder);
        command.arg(argument).arg(folder).arg("--");
        command
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        process::reap(&mut self.holder);
    }
}

/// How names are resolved in all nodes, but for those that a server has a file for: by a name server that never answers.
///
/// The name of the machine itself is none that may be asked for.
fn write_resolver_files(folder: &Path) -> std::io::Result<()> {
    fs::create_dir(folder)?;
    let own = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    fs::write(folder.join("hosts"), format!("127.0.0.1 localhost {own}\n::1 localhost\n"))?;
    // Beyond the proxy's node, which forwards nothing.
    fs::write(folder.join("resolv.conf"), "nameserver 10.77.3.53\noptions timeout:1 attempts:1\n")?;
    fs::write(folder.join("nsswitch.conf"), "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n")
}

/// Makes everything, says so and stays. `$1` is the folder, `$2` what is beyond; `set -e` is on.
///
/// The mount of /proc may be refused where /proc is masked; then the programs see the numbers of the outer process
/// namespace there, which hurts none of them. Without a default route in the client going direct is ENETUNREACH at once.
const HOLDER: &str = r#"
    mount -t proc proc /proc 2>/dev/null || :
    cd "$1"
    for file in hosts resolv.conf nsswitch.conf; do
        [ ! -e "/etc/$file" ] || mount --bind "etc/$file" "/etc/$file"
    done
    for node in client proxy target; do
        mkdir "$node"
        : >"$node/net"
        unshare --net mount --no-canonicalize --bind /proc/self/ns/net "$node/net"
        nsenter --net="$node/net" ip link set lo up
    done
    pair() { # NODE PEER NUMBER
        # With a slash in it the name of a namespace is a path.
        nsenter --net="$1/net" ip link add name "to-$2" type veth peer name "to-$1" netns "$PWD/$2/net"
        nsenter --net="$1/net" ip address add "10.77.$3.1/24" dev "to-$2"
        nsenter --net="$2/net" ip address add "10.77.$3.2/24" dev "to-$1"
        nsenter --net="$1/net" ip address add "fd77:$3::1/64" dev "to-$2" nodad
        nsenter --net="$2/net" ip address add "fd77:$3::2/64" dev "to-$1" nodad
        nsenter --net="$1/net" ip link set "to-$2" up
        nsenter --net="$2/net" ip link set "to-$1" up
    }
    pair client proxy 1
    pair proxy target 2
    if [ "$2" = void ]; then
        nsenter --net=client/net ip route add default via 10.77.1.2
        nsenter --net=client/net ip route add default via fd77:1::2
    fi
    echo ready
    exec cat
"#;
