//! Programs that try everything, and surroundings in which little works, with a proxy that does.

use super::{Case, End, What, Wrapping, socksrc};

/// Through danted.
const DANTED: &str = "10.77.1.2:1080";

/// Trials of the C programs: source, trial, what has to be in their output.
const TRIALS: &[(&str, &str, &[&str])] = &[
    ("leak_packets", "storm", &["200 of 200 children came through"]),
    ("leak_packets", "descriptors", &["11 left: 2 of 2 pages", "connect without descriptors"]),
    ("leak_packets", "memory", &["2^27 bytes left: 2 of 2 pages", "2^11 bytes left: "]),
    ("leak_packets", "clear environment", &["2 of 2 pages"]),
    ("leak_packets", "change root", &["of 2 pages"]),
    ("leak_packets", "change user", &["of 2 pages"]),
    ("leak_names", "odd names", &["look up 'target.interop.example.': ok\n  its page: came"]),
    ("leak_names", "hints", &["asked 95 times"]),
    (
        "leak_names",
        "resolver",
        &["res_query: ECONNREFUSED", "res_nsend: ECONNREFUSED", "res_query by TCP: ECONNREFUSED"],
    ),
    ("leak_names", "by threads", &["getaddrinfo_a: System error"]),
    ("leak_names", "reverse", &["gethostbyaddr: none"]),
    ("leak_names", "services", &["/var/run/nscd/socket: ECONNREFUSED", "/run/nscd/socket: ECONNREFUSED"]),
    ("leak_names", "own number", &["gethostid: "]),
    ("leak_packets", "datagrams", &["10.77.3.53:53\n  sendto: ECONNREFUSED", "[2001:db8::1]:443\n  sendto: EACCES"]),
    ("leak_packets", "multicast", &["ff02::fb\n"]),
    ("leak_packets", "odd addresses", &["a short address: 1", "a mapped address: 1"]),
    ("leak_packets", "odd sockets", &["raw ICMP", "TCP_FASTOPEN_CONNECT: ok\n  connect: ok"]),
    ("leak_packets", "io_uring", &["io_uring_setup: ENOSYS"]),
];

/// Scripts, and how they end.
const SCRIPTS: &[(&str, &str, End)] = &[
    (
        "no folder for the names",
        r#"exec unshare --user --map-root-user --mount bash -euc '
            mount -t tmpfs -o ro none /dev/shm
            export XDG_RUNTIME_DIR=/nonexistent
            exec curl --disable -sS "http://$1:$2/who"' bash "$1" "$3""#,
        End::Reached,
    ),
    (
        "no folder for the names, getent | curl",
        r#"exec unshare --user --map-root-user --mount bash -euc '
            mount -t tmpfs -o ro none /dev/shm
            export XDG_RUNTIME_DIR=/nonexistent
            address=$(getent ahostsv4 "$1" | awk "NR == 1 { print \$1 }")
            exec curl --disable -sS --max-time 5 "http://$address:$2/who"' bash "$1" "$3""#,
        End::Fails,
    ),
    (
        "no room in the folder for the names",
        r#"exec unshare --user --map-root-user --mount bash -euc '
            mount -t tmpfs -o size=4k none /dev/shm
            export XDG_RUNTIME_DIR=/nonexistent
            head -c 10000 /dev/zero >/dev/shm/full 2>/dev/null || :
            exec curl --disable -sS --max-time 5 "http://$1:$2/who"' bash "$1" "$3""#,
        End::Fails,
    ),
    (
        "names of garbage",
        r#"export XDG_RUNTIME_DIR=$4
            umask 077
            head -c 35000000 /dev/urandom >"$4/libsocks-names-1-$(id -u)"
            curl --disable -sS --max-time 5 "http://$1:$3/who" && exit 1
            ! curl --disable -sS --max-time 5 "http://198.18.7.7:$3/who""#,
        End::Says(&[]),
    ),
    (
        "names that are cut off",
        r#"export XDG_RUNTIME_DIR=$4
            exec python3 -c '
import os, socket, sys
name, port, folder = sys.argv[1:]
address = socket.getaddrinfo(name, port)[0][4]
os.truncate(f"{folder}/libsocks-names-1-{os.geteuid()}", 0)
for again in range(3):
    try:
        address = socket.getaddrinfo(f"{again}.{name}", port)[0][4]
    except OSError as error:
        print(error)
    try:
        socket.create_connection(address, timeout=5)
    except OSError as error:
        print(error)
' "$1" "$3" "$4""#,
        End::Says(&["Non-recoverable failure", "No route to host"]),
    ),
    (
        "names that are lost",
        r#"export XDG_RUNTIME_DIR=$4
            address=$(getent ahostsv4 "$1" | awk 'NR == 1 { print $1 }')
            rm "$4"/libsocks-names-*
            exec curl --disable -sS --max-time 5 "http://$address:$3/who""#,
        End::Fails,
    ),
    (
        "socksify and a bad file",
        r#"echo "proxy proxy" >"$4/rc"; SOCKSRC=$4/rc exec "$SOCKSIFY" curl "http://$2:$3/""#,
        End::Fails,
    ),
    ("getent hosts", r#"getent hosts "$1" && exec curl --disable -sS "http://$1:$3/who""#, End::Reached),
    ("getent hosts of an address", r#"exec getent hosts "$2""#, End::Fails),
    ("getent ahostsv6", r#"exec getent ahostsv6 "$1""#, End::Says(&["::ffff:198.1"])),
    ("curl -6", r#"exec curl --disable -sS -6 "http://$1:$3/who""#, End::Fails),
    ("curl tftp by name", r#"exec curl --disable -sS --max-time 3 "tftp://$1/who""#, End::Fails),
    ("curl tftp", r#"exec curl --disable -sS --max-time 3 "tftp://$2/who""#, End::Fails),
    ("bash /dev/udp", r#"echo hello >"/dev/udp/$2/9""#, End::Fails),
    ("bash /dev/udp to a name server", r#"echo hello >"/dev/udp/10.77.3.53/53""#, End::Fails),
    ("bash /dev/tcp to a name server", r#"echo hello >"/dev/tcp/10.77.3.53/53""#, End::Fails),
    ("openssl s_client -dtls", r#"exec openssl s_client -dtls -connect "$2:4433" </dev/null"#, End::Fails),
    (
        "python, own queries",
        r#"exec python3 -c '
import socket
for kind in socket.SOCK_DGRAM, socket.SOCK_STREAM:
    s = socket.socket(socket.AF_INET, kind)
    s.settimeout(1)
    try:
        s.connect(("10.77.3.53", 53))
        s.send(b"hello")
        print("sent")
    except OSError as error:
        print(error.strerror)
'"#,
        End::Says(&["Connection refused"]),
    ),
    (
        "ruby, own queries",
        r#"exec ruby -rresolv -e '
dns = Resolv::DNS.new(nameserver: ["10.77.3.53"])
dns.timeouts = 1
begin
  p dns.getaddresses(ARGV[0])
rescue SystemCallError => error
  puts error.class
end' "$1""#,
        End::Says(&["ECONNREFUSED"]),
    ),
    ("php, dns_get_record", r#"php -r 'var_dump(@dns_get_record($argv[1]));' "$1""#, End::Says(&["bool(false)"])),
    (
        "perl, gethostbyname",
        r#"perl -e 'print join(".", unpack("C4", scalar gethostbyname(shift)))' "$1""#,
        End::Says(&["198.1"]),
    ),
    (
        "node, own servers",
        r#"exec node -e '
const dns = require("dns");
const resolver = new dns.Resolver({ timeout: 500, tries: 1 });
resolver.setServers(["10.77.3.53", "10.77.3.53:5300"]);
let left = 4;
const done = (error) => { console.log(error ? error.code : "an answer"); if (--left === 0) process.exit(0); };
resolver.resolve4(process.argv[1], done);
resolver.resolveMx(process.argv[1], done);
resolver.reverse("192.0.2.1", done);
dns.lookupService("192.0.2.1", 80, done);
' "$1""#,
        End::Says(&["ECONNREFUSED"]),
    ),
];

/// All of them.
pub fn all() -> Vec<Case> {
    let case = |name: &str, what, end| Case {
        name: name.to_owned(),
        column: "packets".to_owned(),
        wrapping: Wrapping::Socksify,
        socksrc: socksrc(DANTED, 50),
        what,
        end,
    };
    let trials = TRIALS
        .iter()
        .map(|&(source, trial, says)| case(&format!("{source}: {trial}"), What::Trial(source, trial), End::Says(says)));
    trials.chain(SCRIPTS.iter().map(|&(name, text, end)| case(name, What::Script(text), end))).collect()
}
