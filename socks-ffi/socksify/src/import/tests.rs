use super::*;

/// The result without its login, where it is all said.
fn said(text: &str) -> (String, Vec<(u32, String)>) {
    let format = Format::recognise(text).expect("a format");
    let translation = translate(text, format);
    let notes = translation.notes.iter().map(|note| (note.line, note.text.clone())).collect();
    assert!(!translation.is_lossy(), "{notes:?}");
    (translation.text(), notes)
}

/// The lines that cannot be said.
fn lost(text: &str) -> Vec<u32> {
    let format = Format::recognise(text).expect("a format");
    let translation = translate(text, format);
    assert!(translation.is_lossy(), "{}", translation.text());
    let notes = translation.notes.iter();
    assert!(notes.clone().all(|note| !note.text.contains("s3cret")));
    notes.filter(|note| note.text.starts_with("cannot be said")).map(|note| note.line).collect()
}

#[test]
fn proxychains_with_one_proxy() {
    let (text, notes) = said(
        "# comment\nstrict_chain\nquiet_mode\nproxy_dns\nremote_dns_subnet 224\ntcp_read_time_out 15000\n\
         tcp_connect_time_out 8000\nlocalnet 127.0.0.0/255.0.0.0\nlocalnet 10.1.2.3:80/255.0.0.0\nlocalnet ::1/128\n\
         dnat 1.1.1.1:25 192.0.2.9:26\n[ProxyList]\nsocks5 192.0.2.1 1080 ann s3cret\n",
    );
    assert_eq!(
        text,
        "noproxy 0.0.0.0\ndns remote\nnoproxy 127.0.0.0/8\nnoproxy 10.0.0.0/8:80\nnoproxy ::1/128\ntimeout 23\n\
         proxy 1.1.1.1/32:25 192.0.2.1:1080/redirect=192.0.2.9:26 ann s3cret\n\
         proxy 0.0.0.0/0 192.0.2.1:1080 ann s3cret\n"
    );
    assert_eq!(notes.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5]);
}

#[test]
fn proxychains_with_any_one_of_several() {
    let (text, notes) = said("random_chain\nchain_len = 1\n[ProxyList]\nsocks5 192.0.2.1 1\nsocks5 2001:db8::1 2\n");
    assert!(text.ends_with("proxy 0.0.0.0/0 192.0.2.1:1,[2001:db8::1]:2\n"), "{text}");
    assert_eq!(notes.len(), 1);
    assert_eq!(said("round_robin_chain\nchain_len=1\n[ProxyList]\nsocks5 a.example 1\n").1, []);
}

#[test]
fn proxychains_that_cannot_be_said() {
    let list = |before: &str, proxies: &str| format!("{before}\n[ProxyList]\n{proxies}\n");
    // A chain, by each of its names, also where that is the default.
    let two = "socks5 192.0.2.1 1\nsocks5 192.0.2.2 2";
    for before in ["strict_chain", "dynamic_chain", "random_chain", "random_chain\nchain_len = 2", "round_robin_chain"]
    {
        assert!(!lost(&list(before, two)).is_empty(), "{before}");
    }
    assert_eq!(lost(&list("", two)), [3]);
    for proxies in
        ["socks4 192.0.2.1 1", "http 192.0.2.1 1", "raw 192.0.2.1 1", "socks5 192.0.2.1", "socks5 192.0.2.1 0"]
    {
        assert!(lost(&list("", proxies)).contains(&3), "{proxies}");
    }
    for login in ["ann", "ann s3cret#1", "@ann s3cret"] {
        assert!(lost(&list("", &format!("socks5 192.0.2.1 1 {login}"))).contains(&3), "{login}");
    }
    assert_eq!(lost(&list("", "")), [0]);
    assert_eq!(lost(&list("proxy_my_lan", "socks5 192.0.2.1 1")), [1]);
    let logins = list("random_chain\nchain_len = 1", "socks5 192.0.2.1 1 ann s3cret\nsocks5 192.0.2.2 1");
    assert_eq!(lost(&logins), [5]);
}

#[test]
fn a_network_that_cannot_be_read_goes_through_the_proxy() {
    let (text, notes) = said("localnet 10.0.0.0/255.0.255.0\n[ProxyList]\nsocks5 192.0.2.1 1\n");
    assert!(!text.contains("10.0.0.0"), "{text}");
    assert_eq!(notes[0].0, 1);
}

#[test]
fn torsocks() {
    let (text, _) =
        said("TorAddress 127.0.0.1\nTorPort 9150\nOnionAddrRange 127.42.42.0/24\nAllowOutboundLocalhost 1\n");
    assert_eq!(text, "strict\ndns remote\nnoproxy 127.0.0.0/8\nnoproxy ::1\nproxy 0.0.0.0/0 127.0.0.1:9150\n");
    let (text, _) = said("SOCKS5Username ann\nSOCKS5Password s3cret\nAllowInbound 1\nIsolatePID 0\n");
    assert_eq!(text, "strict\ndns remote\nnoproxy 0.0.0.0\nproxy 0.0.0.0/0 127.0.0.1:9050 ann s3cret\n");
    assert_eq!(lost("IsolatePID 1\n"), [1]);
    assert_eq!(lost("TorPort\n"), [1]);
    assert_eq!(lost("TorPort 9050\nNonsense 1\n"), [2]);
    assert_eq!(lost("SOCKS5Password s3cret\n"), [1]);
}

#[test]
fn tsocks() {
    let (text, notes) = said(
        "local = 192.168.0.0/255.255.255.0\nlocal = 127.0.0.0/255.0.0.0\nserver = gate.example # ours\nserver_type = 5\nserver_port = 1100\n\
         default_user = ann\ndefault_pass = s3cret\nfallback = yes\npath {\n\treaches = 10.1.0.0:80-90/255.255.0.0\n\
         \treaches = 10.2.0.0/255.255.0.0\n\tserver = lab.example\n\tserver_type = 5\n}\n",
    );
    assert_eq!(
        text,
        "noproxy 127.0.0.0/8\nnoproxy 0.0.0.0\nnoproxy 192.168.0.0/24\n\
         proxy 10.1.0.0/16:80-90 lab.example:1100 ann s3cret\nproxy 10.2.0.0/16 lab.example:1100 ann s3cret\n\
         proxy 0.0.0.0/0 gate.example:1100 ann s3cret\n"
    );
    assert_eq!(notes.len(), 1);
    let (text, _) = said("path {\nreaches = 10.0.0.0/8\nserver = lab.example\nserver_type = 5\n}\n");
    assert!(text.contains("strict\n"), "{text}");
}

#[test]
fn tsocks_that_cannot_be_said() {
    assert_eq!(lost("server = gate.example\n"), [1]);
    assert_eq!(lost("server = gate.example\nserver_type = 4\n"), [1]);
    assert_eq!(lost("path {\nreaches = 10.0.0.0/8\n}\n"), [1]);
    assert_eq!(lost("path {\nserver = a.example\nserver_type = 5\n"), [1]);
    assert_eq!(lost("path {\nreaches = x\nserver = a.example\nserver_type = 5\n}\n"), [2]);
    assert_eq!(lost("server = a.example\nserver_type = 5\nnonsense = 1\n"), [3]);
    // The same twice: the one that lets everything go direct is not silently left out, nor is it kept.
    assert!(!lost("server = a.example\nserver_type = 5\nlocal = 0.0.0.0/0.0.0.0\n").is_empty());
}

#[test]
fn what_is_none_of_them_is_not_guessed_at() {
    for text in ["", "# [ProxyList]\n", "proxy 0.0.0.0/0 gate.example\n", "hello = world\n"] {
        assert_eq!(Format::recognise(text), None, "{text}");
    }
}
